import { pods, SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';
import { type Case, EVEN, NINETY_TEN, service, table, to, vs90 } from '../support/meshCases.js';

const mirror = (more: string) => virtualService(`[{${to('v1')}, ${more}}]`);
const V2 = '{host: shop, subset: v2}';

table('mirror', [
  { says: 'no percentage is every request', yaml: mirror(`mirror: ${V2}`), share: { v1: 1 }, mirrored: { v2: 1 } },
  {
    says: 'a percentage of 0 is none',
    yaml: mirror(`mirror: ${V2}, mirrorPercentage: {value: 0}`),
    share: { v1: 1 },
    mirrored: {},
  },
  {
    says: 'an empty percentage is none',
    yaml: mirror(`mirror: ${V2}, mirrorPercentage: {}`),
    share: { v1: 1 },
    mirrored: {},
  },
  {
    says: 'the resolution is 0.0001 %',
    yaml: mirror(`mirror: ${V2}, mirrorPercentage: {value: 0.0001}`),
    share: { v1: 1 },
    mirrored: { v2: 1e-6 },
  },
  {
    says: '33.3 % stays 33.3 %',
    yaml: mirror(`mirror: ${V2}, mirrorPercentage: {value: 33.3}`),
    share: { v1: 1 },
    mirrored: { v2: 0.333 },
  },
  {
    says: 'mirrors have percentages of their own, unset is 100 %',
    yaml: mirror(`mirrors: [{destination: ${V2}}, {destination: {host: shop, subset: v1}, percentage: {value: 20}}]`),
    share: { v1: 1 },
    mirrored: { v2: 1, v1: 0.2 },
  },
  {
    says: 'the old mirrorPercent works',
    yaml: mirror(`mirror: ${V2}, mirrorPercent: 30`),
    share: { v1: 1 },
    mirrored: { v2: 0.3 },
  },
  {
    says: '101 % is refused',
    yaml: mirror(`mirror: ${V2}, mirrorPercentage: {value: 101}`),
    share: EVEN,
    warns: ['OBJECT_REFUSED'],
  },
  {
    says: 'mirror beside mirrors is refused',
    yaml: mirror(`mirror: ${V2}, mirrors: [{destination: ${V2}}]`),
    share: EVEN,
    warns: ['OBJECT_REFUSED'],
  },
  {
    says: 'copies to an unknown subset are lost',
    yaml: mirror('mirror: {host: shop, subset: v3}'),
    share: { v1: 1 },
    mirrored: { lost: 1 },
    warns: ['MIRROR_TO_NOWHERE'],
  },
  {
    says: 'copies to an unknown host are lost',
    yaml: mirror('mirror: {host: nobody}'),
    share: { v1: 1 },
    mirrored: { lost: 1 },
    warns: ['MIRROR_TO_NOWHERE'],
  },
  {
    says: 'copies are lost while the selector pins v1',
    base: `${SERVICE.replace('{app: shop}', '{app: shop, version: v1}')}---${SUBSETS}`,
    yaml: mirror(`mirror: ${V2}`),
    share: { v1: 1 },
    mirrored: { lost: 1 },
    warns: ['MIRROR_TO_NOWHERE', 'SELECTOR_PINS_VERSION'],
  },
  {
    says: 'requests that the fault filter aborts are not copied',
    yaml: mirror(`mirror: ${V2}, fault: {abort: {percentage: {value: 50}, httpStatus: 503}}`),
    share: { v1: 0.5 },
    failed: { '503 FI': 0.5 },
    mirrored: { v2: 0.5 },
  },
  {
    says: 'one copy a request whichever destination was drawn',
    yaml: virtualService(split(90, 10).replace('[{route', `[{mirror: ${V2}, route`)),
    share: NINETY_TEN,
    mirrored: { v2: 1 },
  },
]);

const onPort = (port: string, over: Partial<Case>): Case => ({
  says: '',
  base: `${service(`{port: 80, ${port}}`)}---${SUBSETS}`,
  yaml: vs90,
  pods: [...pods('shop', 'v1', 3), ...pods('shop', 'v2', 1)],
  ...over,
});
const TCP = { share: { v1: 0.75, v2: 0.25 }, protocol: 'tcp' };

table('protocol of the port', [
  ...[
    'name: http',
    'name: http-x',
    'name: http2',
    'name: grpc-web',
    'name: grpc',
    'appProtocol: http',
    'appProtocol: kubernetes.io/h2c',
    'name: tcp, appProtocol: http',
  ].map((port) => onPort(port, { says: `${port} is HTTP`, share: NINETY_TEN, protocol: 'http' })),
  ...['protocol: TCP', 'name: web', 'name: httpx', 'name: "7005"'].map((port) =>
    onPort(port, {
      says: `${port} is detected, the VirtualService applies to HTTP`,
      share: NINETY_TEN,
      protocol: 'http',
    }),
  ),
  ...['name: tcp', 'name: tcp-http', 'name: https', 'name: mysql', 'name: redis', 'name: http, appProtocol: tcp'].map(
    (port) => onPort(port, { says: `${port} is TCP, http rules are ignored`, ...TCP, warns: ['PORT_NOT_HTTP'] }),
  ),
  onPort('port: 3306', {
    says: 'an unnamed 3306 is TCP',
    base: `${service('{port: 3306}')}---${SUBSETS}`,
    request: { port: 3306 },
    ...TCP,
  }),
  onPort('name: tcp', {
    says: 'a tcp rule on a TCP port is weighted',
    yaml: virtualService('[]', { more: `tcp: ${split(90, 10)}` }),
    share: NINETY_TEN,
    protocol: 'tcp',
  }),
  onPort('name: http', {
    says: 'a tcp rule on an HTTP port is ignored',
    yaml: virtualService('[]', { more: `tcp: ${split(90, 10)}` }),
    share: { v1: 0.75, v2: 0.25 },
    protocol: 'http',
  }),
]);
