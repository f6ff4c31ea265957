import fc from 'fast-check';
import type { KubeObject } from '../../src/base/kubernetes.js';
import type { OracleCase } from './istioOracle.js';
import { pod } from './mesh.js';

const ISTIO = 'networking.istio.io/v1';
const GATEWAY_API = 'gateway.networking.k8s.io/v1';
const FQDN = 'shop.demo.svc.cluster.local';

const one = fc.constantFrom;
/** Present once in `of`; 1: nearly always. */
const maybe = <T>(value: fc.Arbitrary<T>, of = 3): fc.Arbitrary<T | undefined> =>
  fc.oneof(
    { weight: of === 1 ? 1 : of - 1, arbitrary: fc.constant(undefined) },
    { weight: of === 1 ? 5 : 1, arbitrary: value },
  );
/** A record without the keys whose value is undefined. */
const fields = (model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(model).map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
const created = one('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z');
const rarely = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: one(...others) });

const object = (
  apiVersion: string,
  kind: string,
  spec: fc.Arbitrary<unknown>,
  place: { names?: string[]; namespaces?: fc.Arbitrary<string>; annotations?: fc.Arbitrary<unknown> } = {},
): fc.Arbitrary<KubeObject> =>
  fc
    .record({
      name: one(...(place.names ?? ['a', 'b', 'c'])),
      namespace: place.namespaces ?? rarely('demo', 'ops', 'istio-system'),
      creationTimestamp: created,
      spec,
      annotations: place.annotations ?? fc.constant(undefined),
    })
    .map(
      ({ spec: value, annotations, ...metadata }) =>
        ({
          apiVersion,
          kind,
          metadata: { ...metadata, ...(annotations ? { annotations } : {}) },
          spec: value,
        }) as KubeObject,
    );

const percentage = fc.record({ value: one(0, 0.5, 20, 33.3, 50, 100) });
const subset = one('v1', 'v2', 'v3', undefined);
const destination = fields({
  host: fc.oneof(
    { weight: 6, arbitrary: fc.constant('shop') },
    { weight: 1, arbitrary: one(FQDN, 'cart', 'shop.demo', 'nobody') },
  ),
  subset,
  port: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: one(80, 8080, 81).map((number) => ({ number })) },
  ),
});
const stringMatch = fc.oneof(
  fc.record({ exact: one('1', 'a', 'GET') }),
  fc.record({ prefix: one('1', 'a', 'G') }),
  fc.record({ regex: one('1|a', '.*', '[a-z]+', '*') }),
);
const uri = fc.oneof(
  fc.record({ exact: one('/', '/a', '/a/b') }),
  fc.record({ prefix: one('/', '/a', '/a/', '/A') }),
  fc.record({ regex: one('.*', '/a.*', '/[ab]') }),
);
const match = fields({
  uri: maybe(uri, 2),
  method: maybe(fc.oneof(fc.record({ exact: one('GET', 'POST') }), fc.record({ regex: one('GET|HEAD') })), 6),
  headers: maybe(fc.record({ x: fc.oneof(stringMatch, fc.constant({})) }), 2),
  withoutHeaders: maybe(fc.record({ y: fc.oneof(stringMatch, fc.constant({})) }), 6),
  queryParams: maybe(fc.record({ q: stringMatch }), 6),
  authority: maybe(fc.oneof(fc.record({ exact: one('shop', FQDN) }), fc.record({ prefix: fc.constant('shop') })), 9),
  scheme: maybe(fc.record({ exact: one('http', 'https') }), 12),
  ignoreUriCase: maybe(fc.constant(true), 6),
  port: maybe(one(80, 8080), 8),
  sourceLabels: maybe(one({ app: 'client' }, { app: 'other' }), 6),
  sourceNamespace: maybe(one('demo', 'ops'), 8),
  gateways: maybe(one(['mesh'], ['gw'], ['mesh', 'gw']), 10),
});
const retries = fc.oneof(
  fc.constant({}),
  fields({
    attempts: one(1, 2, 3),
    retryOn: maybe(one('5xx', '5xx,503', 'gateway-error, connect-failure', '503,429'), 2),
    perTryTimeout: maybe(one('1s', '250ms')),
  }),
  fc.constant({ attempts: 0 }),
);
const fault = fields({
  delay: maybe(
    fields({ fixedDelay: one('1s', '5ms'), percentage: maybe(percentage, 1), percent: maybe(one(10, 100), 4) }),
    2,
  ),
  abort: fields({ httpStatus: one(400, 503, 555), percentage: maybe(percentage, 1) }),
});
const weights = one([90, 10], [100, 0], [75, 20], [50, 50], [1, 1000], [undefined, 10], [0, 0], [33, 33]);
const route = fc.oneof(
  {
    weight: 1,
    arbitrary: fc
      .tuple(destination, maybe(one(0, 10, 100)))
      .map(([to, weight]) => [{ destination: to, ...(weight === undefined ? {} : { weight }) }]),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.tuple(destination, destination), weights).map(([to, each]) =>
      to.map((target, index) => ({
        destination: target,
        ...(each[index] === undefined ? {} : { weight: each[index] }),
      })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(destination, destination, destination)
      .map((to) => to.map((target, index) => ({ destination: target, weight: [50, 30, 20][index] }))),
  },
);
const mirrors = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fields({
      mirror: destination,
      mirrorPercentage: maybe(fc.oneof(percentage, fc.constant({})), 2),
      mirrorPercent: maybe(one(10, 0), 6),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      mirrors: fc.array(fields({ destination, percentage: maybe(percentage, 2) }), { minLength: 1, maxLength: 2 }),
    }),
  },
);
const action = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.record({ route }), mirrors).map(([forward, copy]) => ({ ...forward, ...copy })) },
  {
    weight: 1,
    arbitrary: fc.record({ redirect: fields({ uri: one('/n', '/m'), redirectCode: maybe(one(302, 307, 308)) }) }),
  },
  { weight: 1, arbitrary: fc.record({ directResponse: fc.record({ status: one(200, 418, 503) }) }) },
);
const httpRule = fc
  .tuple(
    action,
    fields({
      match: maybe(fc.array(match, { minLength: 1, maxLength: 2 }), 2),
      timeout: maybe(one('1s', '250ms'), 4),
      retries: maybe(retries, 4),
      fault: maybe(fault, 5),
      name: maybe(one('one', 'two'), 4),
    }),
  )
  .map(([what, more]) => {
    // The webhook refuses faults beside redirects; refusals have rows of their own.
    const { fault: injected, ...rest } = more;
    return 'redirect' in what ? { ...rest, ...what } : { ...rest, ...(injected ? { fault: injected } : {}), ...what };
  });
const tcpRule = fields({
  match: maybe(
    fc.array(fields({ port: maybe(one(80, 8080)), sourceLabels: maybe(one({ app: 'client' }, { app: 'x' }), 5) }), {
      minLength: 1,
      maxLength: 1,
    }),
    3,
  ),
  route,
});

const virtualService = object(
  ISTIO,
  'VirtualService',
  fields({
    hosts: fc.oneof(
      { weight: 6, arbitrary: one(['shop'], [FQDN]) },
      {
        weight: 2,
        arbitrary: one(
          ['cart'],
          ['shop.demo'],
          ['*.demo.svc.cluster.local'],
          ['shop', 'cart'],
          ['legacy.example.com'],
          ['*.example.com'],
          ['cart', FQDN],
        ),
      },
    ),
    gateways: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: one(['mesh'], ['gw'], ['mesh', 'gw']) },
    ),
    exportTo: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: one(['.'], ['*'], ['ops'], ['demo']) },
    ),
    http: fc.array(httpRule, { minLength: 1, maxLength: 3 }),
    tcp: maybe(fc.array(tcpRule, { minLength: 1, maxLength: 2 }), 5),
  }),
);

const labels = one({ version: 'v1' }, { version: 'v2' }, { version: 'v3' }, { app: 'shop' }, {});
const trafficPolicy = fields({
  loadBalancer: maybe(
    one<unknown>({ simple: 'ROUND_ROBIN' }, { simple: 'RANDOM' }, { consistentHash: { httpHeaderName: 'x' } }),
    2,
  ),
  connectionPool: maybe(fc.constant({ tcp: { maxConnections: 7 } }), 3),
});
const destinationRule = object(
  ISTIO,
  'DestinationRule',
  fields({
    host: fc.oneof(
      { weight: 6, arbitrary: one('shop', FQDN) },
      { weight: 1, arbitrary: one('cart', 'shop.demo', '*.demo.svc.cluster.local', '*', 'pay.example.com') },
    ),
    subsets: fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constant([
          { name: 'v1', labels: { version: 'v1' } },
          { name: 'v2', labels: { version: 'v2' } },
        ]),
      },
      {
        weight: 2,
        arbitrary: fc.uniqueArray(
          fields({ name: one('v1', 'v2', 'v3'), labels, trafficPolicy: maybe(trafficPolicy, 4) }),
          {
            selector: ({ name }) => name,
            maxLength: 3,
          },
        ),
      },
    ),
    trafficPolicy: maybe(trafficPolicy),
    exportTo: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: one(['.'], ['*']) }),
    workloadSelector: maybe(one({ matchLabels: { app: 'client' } }, { matchLabels: { app: 'other' } }), 9),
  }),
);

const servicePort = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: one('http', 'http-web') },
      {
        weight: 2,
        arbitrary: one(
          'web',
          '',
          'httpx',
          'grpc',
          'http2',
          'tcp',
          'tcp-http',
          'https',
          'tls-x',
          'mysql',
          'redis',
          'grpc-web',
          'mongo',
          'udp-x',
        ),
      },
    ),
    fc.oneof(
      { weight: 8, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: one('http', 'tcp', 'kubernetes.io/h2c', 'kubernetes.io/ws', 'https', 'custom') },
    ),
  )
  .map(([name, appProtocol]) => ({ name, ...(appProtocol ? { appProtocol } : {}) }));
const service = (name: string, clusterIP: string, options: { plain?: boolean } = {}): fc.Arbitrary<KubeObject> =>
  fc
    .record({
      port: options.plain ? fc.constant({ name: 'http' }) : servicePort,
      second: options.plain ? fc.constant(false) : rarely(false, true),
      headless: options.plain
        ? fc.constant(false)
        : fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      version: options.plain
        ? fc.constant(undefined)
        : fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: one('v1', 'v2') }),
      exportTo: options.plain
        ? fc.constant(undefined)
        : fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: one('.', 'ops', '*') }),
      named: fc.boolean(),
    })
    .map(({ headless, port, ...more }) => ({
      ...more,
      // Of headless Services with a detected protocol Istio's route table is empty in one run and not in the next.
      port: headless ? { name: port.name === 'tcp' ? 'tcp' : 'http' } : port,
      headless,
    }))
    .map(({ port, second, headless, version, exportTo, named }) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name,
        namespace: 'demo',
        creationTimestamp: '2025-01-01T00:00:00Z',
        ...(exportTo ? { annotations: { 'networking.istio.io/exportTo': exportTo } } : {}),
      },
      spec: {
        clusterIP: headless ? 'None' : clusterIP,
        selector: {
          app: name.replace(/-v\d$/, ''),
          ...(/-v\d$/.test(name) ? { version: name.slice(-2) } : {}),
          ...(version ? { version } : {}),
        },
        ports: [
          { ...port, port: 80, targetPort: named ? 'web' : 8080, protocol: 'TCP' },
          ...(second ? [{ name: 'http-admin', port: 8080, targetPort: 8080, protocol: 'TCP' }] : []),
        ],
      },
    }));

const backend = fields({
  name: fc.oneof({ weight: 6, arbitrary: one('shop-v1', 'shop-v2') }, { weight: 1, arbitrary: one('cart', 'nobody') }),
  port: fc.oneof({ weight: 9, arbitrary: fc.constant(80) }, { weight: 1, arbitrary: fc.constant(81) }),
  weight: fc.oneof({ weight: 3, arbitrary: one(90, 10, 50) }, { weight: 2, arbitrary: one(undefined, 0, 1) }),
});
const routeMatch = fields({
  path: maybe(
    fc.oneof(
      fc.record({ type: fc.constant('PathPrefix'), value: one('/', '/a', '/a/', '/a/b') }),
      fc.record({ type: fc.constant('Exact'), value: one('/', '/a') }),
      fc.record({ type: fc.constant('RegularExpression'), value: one('/a.*', '/[ab]') }),
    ),
    1,
  ),
  headers: maybe(
    fc.array(fields({ name: one('x', 'y'), value: one('1', 'a'), type: maybe(one('Exact', 'RegularExpression'), 2) }), {
      minLength: 1,
      maxLength: 1,
    }),
    3,
  ),
  method: maybe(one('GET', 'POST'), 5),
  queryParams: maybe(
    fc.array(fc.record({ name: fc.constant('q'), value: one('1', 'a') }), { minLength: 1, maxLength: 1 }),
    6,
  ),
});
const filters = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fields({
      type: fc.constant('RequestMirror'),
      requestMirror: fc.oneof(
        fc.record({
          backendRef: fc.record({ name: one('shop-v2', 'cart'), port: fc.constant(80) }),
          percent: one(0, 20, 100),
        }),
        fc.record({ backendRef: fc.record({ name: fc.constant('shop-v2'), port: fc.constant(80) }) }),
        fc.record({
          backendRef: fc.record({ name: fc.constant('shop-v2'), port: fc.constant(80) }),
          fraction: one<unknown>({ numerator: 1, denominator: 3 }, { numerator: 5 }),
        }),
      ),
    }).map((filter) => [filter]),
  },
  {
    weight: 1,
    arbitrary: fc.constant([
      {
        type: 'RequestRedirect',
        requestRedirect: { path: { type: 'ReplaceFullPath', replaceFullPath: '/n' }, statusCode: 301 },
      },
    ]),
  },
);
const httpRoute = object(
  GATEWAY_API,
  'HTTPRoute',
  fields({
    parentRefs: fc.oneof(
      {
        weight: 6,
        arbitrary: fields({
          group: fc.constant(''),
          kind: fc.constant('Service'),
          name: fc.constant('shop'),
          namespace: fc.constant('demo'),
          port: maybe(one(80), 3),
        }).map((ref) => [ref]),
      },
      {
        weight: 1,
        arbitrary: fields({
          group: maybe(fc.constant('core')),
          kind: fc.constant('Service'),
          name: fc.constant('shop'),
        }).map((ref) => [ref]),
      },
    ),
    hostnames: maybe(fc.constant(['a.example.com']), 8),
    rules: fc.array(
      fields({
        matches: maybe(fc.array(routeMatch, { minLength: 1, maxLength: 2 }), 2),
        filters,
        backendRefs: fc.array(backend, { maxLength: 3 }),
        timeouts: maybe(one<unknown>({ request: '3s' }, { request: '3s', backendRequest: '1s' }), 5),
        retry: maybe(one<unknown>({ attempts: 3, codes: [500, 503] }, { attempts: 2 }), 6),
      }).map((rule) => {
        // A redirect forwards nowhere: the schema refuses backends beside it.
        const redirects = (rule.filters as { type: string }[] | undefined)?.some(
          ({ type }) => type === 'RequestRedirect',
        );
        return redirects ? { ...rule, backendRefs: [] } : rule;
      }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  { names: ['r', 's'], namespaces: rarely('demo', 'ops') },
);

const sidecar = object(
  ISTIO,
  'Sidecar',
  fields({
    egress: fc.array(
      fc.record({
        hosts: fc.subarray(
          ['./*', 'demo/*', '*/*', `demo/${FQDN}`, 'istio-system/*', '~/*', './cart.demo.svc.cluster.local', 'ops/*'],
          { minLength: 1, maxLength: 3 },
        ),
      }),
      { minLength: 1, maxLength: 1 },
    ),
    outboundTrafficPolicy: maybe(one({ mode: 'REGISTRY_ONLY' }, { mode: 'ALLOW_ANY' }), 2),
    workloadSelector: maybe(one({ labels: { app: 'client' } }, { labels: { app: 'other' } }), 3),
  }),
  { names: ['s', 't'] },
);

const serviceEntry = object(
  ISTIO,
  'ServiceEntry',
  fc.oneof(
    fields({
      hosts: one(['pay.example.com'], ['legacy.example.com'], ['pay.example.com', 'legacy.example.com']),
      location: one('MESH_EXTERNAL', 'MESH_INTERNAL'),
      ports: one<unknown>(
        [{ number: 80, name: 'http', protocol: 'HTTP' }],
        [{ number: 80, name: 'tcp', protocol: 'TCP' }],
        [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 8080 }],
      ),
      resolution: fc.constant('STATIC'),
      exportTo: maybe(one(['.'], ['*']), 6),
      endpoints: fc.uniqueArray(
        fields({
          address: one('1.1.1.1', '2.2.2.2', '3.3.3.3'),
          labels: one({ version: 'v1' }, { version: 'v2' }),
          weight: maybe(one(1, 3), 3),
        }),
        { selector: ({ address }) => address, minLength: 1, maxLength: 3 },
      ),
    }),
    fields({
      hosts: fc.constant(['pay.example.com']),
      location: fc.constant('MESH_EXTERNAL'),
      ports: fc.constant([{ number: 80, name: 'http', protocol: 'HTTP' }]),
      resolution: one('DNS', 'NONE'),
    }),
    fields({
      hosts: fc.constant(['pay.example.com']),
      location: fc.constant('MESH_INTERNAL'),
      ports: fc.constant([{ number: 80, name: 'http', protocol: 'HTTP' }]),
      resolution: fc.constant('STATIC'),
      workloadSelector: fc.constant({ labels: { app: 'shop' } }),
    }),
  ),
  { names: ['e', 'f'], namespaces: rarely('demo', 'ops') },
);
const workloadEntry = object(
  ISTIO,
  'WorkloadEntry',
  fc.record({
    address: one('9.9.9.8', '9.9.9.9'),
    labels: one({ app: 'shop', version: 'v2' }, { app: 'shop', version: 'v3' }),
  }),
  { names: ['w'], namespaces: fc.constant('demo') },
);
const gateway = object(
  ISTIO,
  'Gateway',
  fc.record({
    selector: fc.constant({ app: 'client' }),
    servers: fc
      .tuple(one(['*'], ['shop.example.com', 'shop'], ['*.example.com'], ['demo/*']))
      .map(([hosts]) => [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts }]),
  }),
  { names: ['gw'], namespaces: fc.constant('demo') },
);
const meshConfig = one(
  'defaultHttpRetryPolicy: {attempts: 0}',
  'outboundTrafficPolicy: {mode: REGISTRY_ONLY}',
  'defaultVirtualServiceExportTo: ["."]',
  'defaultDestinationRuleExportTo: ["."]',
  'defaultServiceExportTo: ["."]',
  'rootNamespace: ops',
).map(
  (mesh): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system' },
    data: { mesh },
  }),
);

const externalName: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'old', namespace: 'demo', creationTimestamp: '2025-01-01T00:00:00Z' },
  spec: {
    type: 'ExternalName',
    externalName: FQDN,
    ports: [{ name: 'http', port: 80, targetPort: 80, protocol: 'TCP' }],
  },
};

const podsOf = (app: string, versions: readonly string[]): fc.Arbitrary<KubeObject[]> =>
  fc
    .array(fc.record({ version: one(...versions), ready: rarely(true, false) }), { maxLength: 4 })
    .map((all) => all.map(({ version, ready }, index) => pod(app, version, index, { ready })));

const request = fc.record({
  port: fc.oneof({ weight: 9, arbitrary: fc.constant(80) }, { weight: 1, arbitrary: one(8080, 81) }),
  host: fc.oneof(
    { weight: 6, arbitrary: fc.constant('shop') },
    {
      weight: 4,
      arbitrary: one(
        'shop.demo',
        'shop.demo.svc',
        FQDN,
        '10.0.0.1',
        'cart',
        'legacy.example.com',
        'pay.example.com',
        'shop.example.com',
        'old',
        'shop.demo:80',
      ),
    },
  ),
  method: rarely('GET', 'POST', 'HEAD'),
  path: one('/', '/a', '/a/b', '/A', '/b', '/ab', '/a?q=1', '/?q=a&z=2', '/a/'),
  headers: one<Record<string, string>>({}, {}, { x: '1' }, { x: 'a' }, { y: '1' }, { x: '1', y: 'b' }),
});
const several = <T>(value: fc.Arbitrary<T>, most: number) => fc.array(value, { maxLength: most });
const perhaps = <T>(value: fc.Arbitrary<T>, of: number): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: of - 1, arbitrary: fc.constant([] as T[]) },
    { weight: 1, arbitrary: value.map((each) => [each]) },
  );

/** Clusters with a Service `shop` of two or three versions and everything that may decide where its requests go. */
export const istioCase: fc.Arbitrary<OracleCase> = fc
  .record({
    shop: service('shop', '10.0.0.1'),
    cart: perhaps(service('cart', '10.0.0.2'), 2),
    versions: fc.tuple(
      service('shop-v1', '10.0.0.3', { plain: true }),
      service('shop-v2', '10.0.0.4', { plain: true }),
    ),
    pods: podsOf('shop', ['v1', 'v1', 'v2', 'v3']),
    cartPods: podsOf('cart', ['c1']),
    rules: several(destinationRule, 3),
    routes: several(virtualService, 3),
    httpRoutes: fc.oneof(
      { weight: 2, arbitrary: fc.constant([] as KubeObject[]) },
      { weight: 1, arbitrary: several(httpRoute, 2) },
    ),
    sidecars: perhaps(sidecar, 6),
    entries: perhaps(serviceEntry, 4),
    workloadEntries: perhaps(workloadEntry, 10),
    gateways: perhaps(gateway, 3),
    mesh: perhaps(meshConfig, 8),
    alias: perhaps(fc.constant(externalName), 8),
    namespace: rarely('demo', 'ops'),
    atGateway: rarely(false, true),
    requests: fc.array(request, { minLength: 1, maxLength: 4 }),
  })
  .map(({ shop, cart, versions, pods, cartPods, namespace, atGateway, requests, ...more }) => {
    const { rules, routes, httpRoutes, sidecars, entries, workloadEntries, gateways, mesh, alias } = more;
    const all = [
      shop,
      ...cart,
      ...(httpRoutes.length > 0 ? versions : []),
      ...pods,
      ...cartPods,
      ...rules,
      ...routes,
      ...httpRoutes,
      ...sidecars,
      ...entries,
      ...workloadEntries,
      ...gateways,
      ...mesh,
      ...alias,
      // Objects without any pod would be those of a folder, whose workloads stand for pods.
      pod('idle', 'v1'),
    ];
    return {
      // A cluster holds one object of a name.
      objects: [
        ...new Map(all.map((each) => [`${each.kind}/${each.metadata.namespace}/${each.metadata.name}`, each])).values(),
      ],
      caller: { workload: 'client', namespace, labels: { app: 'client' }, gateway: atGateway && gateways.length > 0 },
      // A port that the Service lacks belongs to others, or to nobody: a row of the tables in test/mesh.
      requests: requests.map((each) => {
        const has = ((shop.spec?.ports ?? []) as { port: number }[]).some(({ port }) => port === each.port);
        return each.port === 8080 && !has ? { ...each, port: 80 } : each;
      }),
    };
  });
