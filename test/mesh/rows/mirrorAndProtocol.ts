import { pods, SERVICE, SUBSETS, split, virtualService } from '../../support/mesh.js';
import { type Case, EVEN, NINETY_TEN, service, type Table, to, vs90 } from '../../support/meshCases.js';

const mirror = (more: string) => virtualService(`[{${to('v1')}, ${more}}]`);
const V2 = '{host: shop, subset: v2}';

export const mirrors: Table = {
  title: 'Mirror',
  cases: [
    { says: 'mirror: unset 100 %', yaml: mirror(`mirror: ${V2}`), share: { v1: 1 }, mirrored: { v2: 1 } },
    {
      says: 'mirrorPercentage: {value: 0}: none',
      yaml: mirror(`mirror: ${V2}, mirrorPercentage: {value: 0}`),
      share: { v1: 1 },
      mirrored: {},
    },
    {
      says: 'mirrorPercentage: {}: none',
      yaml: mirror(`mirror: ${V2}, mirrorPercentage: {}`),
      share: { v1: 1 },
      mirrored: {},
    },
    {
      says: 'mirrorPercentage: resolution 0.0001 %',
      yaml: mirror(`mirror: ${V2}, mirrorPercentage: {value: 0.0001}`),
      share: { v1: 1 },
      mirrored: { v2: 1e-6 },
    },
    {
      says: 'mirrorPercentage: {value: 33.3}: 33.3 %',
      yaml: mirror(`mirror: ${V2}, mirrorPercentage: {value: 33.3}`),
      share: { v1: 1 },
      mirrored: { v2: 0.333 },
    },
    {
      says: 'mirrors: each its own percentage, unset 100 %',
      yaml: mirror(`mirrors: [{destination: ${V2}}, {destination: {host: shop, subset: v1}, percentage: {value: 20}}]`),
      share: { v1: 1 },
      mirrored: { v2: 1, v1: 0.2 },
    },
    {
      says: 'mirrorPercent works with a warning',
      yaml: mirror(`mirror: ${V2}, mirrorPercent: 30`),
      share: { v1: 1 },
      mirrored: { v2: 0.3 },
      warns: ['FIELD_DEPRECATED'],
    },
    {
      says: 'mirrorPercentage 101: webhook rejects',
      yaml: mirror(`mirror: ${V2}, mirrorPercentage: {value: 101}`),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: 'mirror with mirrors: webhook rejects',
      yaml: mirror(`mirror: ${V2}, mirrors: [{destination: ${V2}}]`),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
    {
      says: 'mirror to an unknown subset: accepted, copies lost',
      yaml: mirror('mirror: {host: shop, subset: v3}'),
      share: { v1: 1 },
      mirrored: { lost: 1 },
      warns: ['MIRROR_TO_NOWHERE'],
    },
    {
      says: 'mirror to an unknown host: accepted, copies lost',
      yaml: mirror('mirror: {host: nobody}'),
      share: { v1: 1 },
      mirrored: { lost: 1 },
      warns: ['MIRROR_TO_NOWHERE'],
    },
    {
      says: 'mirror to v2 while the Service selector pins v1: copies lost',
      base: `${SERVICE.replace('{app: shop}', '{app: shop, version: v1}')}---${SUBSETS}`,
      yaml: mirror(`mirror: ${V2}`),
      share: { v1: 1 },
      mirrored: { lost: 1 },
      warns: ['MIRROR_TO_NOWHERE', 'SELECTOR_PINS_VERSION'],
    },
    {
      says: 'copies are of requests that pass the fault filter (abort 50 % -> 0.5 copies)',
      yaml: mirror(`mirror: ${V2}, fault: {abort: {percentage: {value: 50}, httpStatus: 503}}`),
      share: { v1: 0.5 },
      failed: { '503 FI': 0.5 },
      mirrored: { v2: 0.5 },
    },
    {
      says: 'one copy per request whichever destination was drawn',
      yaml: virtualService(split(90, 10).replace('[{route', `[{mirror: ${V2}, route`)),
      share: NINETY_TEN,
      mirrored: { v2: 1 },
    },
  ],
};

const onPort = (port: string, over: Partial<Case>): Case => ({
  says: '',
  base: `${service(`{port: 80, ${port}}`)}---${SUBSETS}`,
  yaml: vs90,
  pods: [...pods('shop', 'v1', 3), ...pods('shop', 'v2', 1)],
  ...over,
});
const TCP = { share: { v1: 0.75, v2: 0.25 }, protocol: 'tcp', unit: 'connection' } as const;

export const protocols: Table = {
  title: 'Protocol of the port',
  cases: [
    ...[
      'name: http',
      'name: http-x',
      'name: http2',
      'name: grpc-web',
      'name: grpc',
      'appProtocol: http',
      'appProtocol: kubernetes.io/h2c',
      'name: tcp, appProtocol: http',
    ].map((port) => onPort(port, { says: `${port}: VS applies`, share: NINETY_TEN, protocol: 'http' })),
    ...['protocol: TCP', 'name: web', 'name: httpx', 'name: "7005"'].map((port) =>
      onPort(port, {
        says: `${port.replace('protocol: TCP', 'no name')}: detected per connection, VS applies to HTTP`,
        share: NINETY_TEN,
        protocol: 'http',
      }),
    ),
    ...['name: tcp', 'name: tcp-http', 'name: https', 'name: mysql', 'name: redis', 'name: http, appProtocol: tcp'].map(
      (port) =>
        onPort(port, {
          says: `${port}: TCP, http routes ignored, all ready pods, per connection`,
          ...TCP,
          warns: ['PORT_NOT_HTTP'],
        }),
    ),
    onPort('port: 3306', {
      says: 'unnamed 3306: TCP, http routes ignored, all ready pods, per connection',
      base: `${service('{port: 3306}')}---${SUBSETS}`,
      request: { port: 3306 },
      ...TCP,
    }),
    onPort('name: tcp', {
      says: 'VS tcp: route on a TCP port: weighted per connection',
      yaml: virtualService('[]', { more: `tcp: ${split(90, 10)}` }),
      share: NINETY_TEN,
      protocol: 'tcp',
      unit: 'connection',
    }),
    onPort('name: http', {
      says: 'VS tcp: route on an HTTP port: ignored',
      yaml: virtualService('[]', { more: `tcp: ${split(90, 10)}` }),
      share: { v1: 0.75, v2: 0.25 },
      protocol: 'http',
    }),
    ...(
      [
        ['that hold the ClusterIP: takes HTTP requests too, per connection', '10.0.0.0/8', NINETY_TEN, 'tcp'],
        ['without the ClusterIP: HTTP requests follow http rules', '10.9.0.0/16', { v1: 1 }, 'http'],
        ['of all addresses: HTTP requests follow http rules', '0.0.0.0/0', { v1: 1 }, 'http'],
      ] as const
    ).map(([says, subnet, share, protocol]) =>
      onPort('protocol: TCP', {
        says: `no name: VS tcp: route for subnets ${says}`,
        yaml: virtualService(`[{${to('v1')}}]`, {
          more: `tcp: ${split(90, 10).replace('[{', `[{match: [{destinationSubnets: [${subnet}]}], `)}`,
        }),
        share,
        protocol,
        ...(protocol === 'tcp' ? { unit: 'connection', warns: ['HTTP_RULES_IGNORED'] } : {}),
      }),
    ),
    onPort('name: tcp', {
      says: 'VS tcp: route for subnets of which one is of all addresses: only the others count',
      yaml: virtualService('[]', {
        more: `tcp: [{match: [{destinationSubnets: [0.0.0.0/0, 10.9.0.0/16]}], ${to('v2')}}]`,
      }),
      ...TCP,
    }),
    ...['protocol: TCP', 'name: web'].map(
      (port): Case => ({
        says: `${port.replace('protocol: TCP', 'no name')}: detected per connection, HTTPRoute applies to HTTP`,
        base: [
          service(`{port: 80, ${port}}`),
          ...['v1', 'v2'].map((version, index) =>
            SERVICE.replace('{name: shop,', `{name: shop-${version},`)
              .replace('{app: shop}', `{app: shop, version: ${version}}`)
              .replace('10.0.0.1', `10.0.0.${index + 2}`),
          ),
        ].join('---'),
        yaml: `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: demo}
spec:
  parentRefs: [{group: "", kind: Service, name: shop}]
  rules: [{backendRefs: [{name: shop-v1, port: 80, weight: 90}, {name: shop-v2, port: 80, weight: 10}]}]
`,
        share: NINETY_TEN,
        protocol: 'http',
      }),
    ),
  ],
};
