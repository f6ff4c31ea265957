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
    { weight: 1, arbitrary: one(FQDN, 'cart', 'shop.demo', 'nobody', 'old') },
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
const weights = fc.oneof(
  { weight: 40, arbitrary: one([90, 10], [100, 0], [75, 20], [50, 50], [1, 1000], [undefined, 10], [33, 33]) },
  { weight: 1, arbitrary: fc.constant([0, 0]) },
);
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
const subnets = one(['10.0.0.0/24'], ['10.0.0.1'], ['10.9.0.0/16'], ['10.0.0.0/8', '203.0.113.0/24'], ['0.0.0.0/0']);
const connectionMatch = {
  port: maybe(one(80, 8080, 443), 4),
  sourceLabels: maybe(one({ app: 'client' }, { app: 'x' }), 5),
  sourceNamespace: maybe(one('demo', 'ops'), 9),
  gateways: maybe(one(['mesh'], ['gw'], ['mesh', 'gw']), 9),
  destinationSubnets: maybe(subnets, 6),
};
const tcpRule = fields({
  match: maybe(
    fc.array(fields({ ...connectionMatch, destinationSubnets: maybe(subnets, 2) }), { minLength: 1, maxLength: 2 }),
    2,
  ),
  route,
});
/** A `tls` rule for some of the hosts of its VirtualService; of any others the webhook would refuse it. */
const tlsRule = fc
  .record({
    matches: fc.array(
      fc.record({ names: fc.uniqueArray(fc.nat(20), { minLength: 1, maxLength: 2 }), more: fields(connectionMatch) }),
      { minLength: 1, maxLength: 2 },
    ),
    route,
    stranger: rarely(false, true),
  })
  .map(({ matches, route: destinations, stranger }) => (hosts: readonly string[]) => {
    const names = hosts.flatMap((host) => (host.startsWith('*') ? [host, host.replace('*', 'shop')] : [host]));
    const known = stranger ? [...names, ...names, ...names, 'other.example.org'] : names;
    return {
      match: matches.map((each) => ({
        ...each.more,
        sniHosts: each.names.map((index) => known[index % known.length]),
      })),
      route: destinations,
    };
  });

/** What a case is mostly about. */
type Theme = 'requests' | 'tls' | 'gateway' | 'kubernetes-gateway';

/**
 * Subnets in rules for a host without address are not in these clusters. In a sidecar they stand at the listener for all addresses of the
 * port, so that they take connections and HTTP requests to any other host whose address they hold and that has no listener of its own, while
 * what clients of the host itself dial is known to nobody. `mesh/` leaves such matches out and says so (ADDRESS_UNKNOWN).
 */
const withoutSubnets = <T extends Record<string, unknown>>(spec: T): T => {
  const rules = (section: unknown) =>
    (section as { match?: Record<string, unknown>[] }[]).map(({ match: matches, ...rule }) => ({
      ...rule,
      ...(matches ? { match: matches.map(({ destinationSubnets: _, ...each }) => each) } : {}),
    }));
  return { ...spec, ...(spec.tcp ? { tcp: rules(spec.tcp) } : {}), ...(spec.tls ? { tls: rules(spec.tls) } : {}) };
};

const virtualService = (theme: Theme) =>
  object(
    ISTIO,
    'VirtualService',
    fields({
      hosts: fc.oneof(
        { weight: theme === 'gateway' ? 1 : 6, arbitrary: one(['shop'], [FQDN]) },
        { weight: theme === 'gateway' ? 6 : 0, arbitrary: one(['shop.example.com'], ['*.example.com']) },
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
            ['shop.example.com'],
            ['pay.example.com'],
            ['old'],
            ['old', 'cart'],
          ),
        },
      ),
      gateways: fc.oneof(
        { weight: theme === 'gateway' ? 1 : 6, arbitrary: fc.constant(undefined) },
        { weight: theme === 'gateway' ? 6 : 1, arbitrary: one(['gw'], ['mesh', 'gw'], ['mesh']) },
      ),
      exportTo: fc.oneof(
        { weight: 6, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: one(['.'], ['*'], ['ops'], ['demo']) },
      ),
      http: fc.array(httpRule, { minLength: 1, maxLength: 3 }),
      tcp: maybe(fc.array(tcpRule, { minLength: 1, maxLength: 2 }), theme === 'gateway' ? 2 : 5),
      tls: maybe(fc.array(tlsRule, { minLength: 1, maxLength: 2 }), theme === 'tls' ? 1 : theme === 'gateway' ? 2 : 9),
    }).map(({ tls, ...spec }) => {
      const hosts = spec.hosts as string[];
      const rules = {
        ...spec,
        ...(tls ? { tls: (tls as ((hosts: readonly string[]) => unknown)[]).map((make) => make(hosts)) } : {}),
      };
      return theme !== 'gateway' && hosts.some((host) => host.endsWith('.example.com')) ? withoutSubnets(rules) : rules;
    }),
    // Names before, within and after that of the namespace, which counts beside HTTPRoutes of one age.
    { names: ['a', 'demo-b', 'shop'] },
  );

const labels = one({ version: 'v1' }, { version: 'v2' }, { version: 'v3' }, { app: 'shop' }, {});
const NODES = [
  ['north', 'a'],
  ['north', 'b'],
  ['south', 'c'],
].map(
  ([region, zone]): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `node-${zone}`,
      labels: { 'topology.kubernetes.io/region': region as string, 'topology.kubernetes.io/zone': zone as string },
    },
  }),
);
const locality = one('north/a', 'north/b', 'south/c');
const distribute = one<unknown>(
  [{ from: 'north/*', to: { 'north/a': 80, 'south/*': 20 } }],
  [{ from: 'north', to: { north: 100 } }],
  [
    { from: 'north/a', to: { 'north/b': 30, 'south/c': 70 } },
    { from: 'south/*', to: { '*': 100 } },
  ],
);
const localityLbSetting = fc.oneof(
  { weight: 1, arbitrary: fc.record({ enabled: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ distribute }) },
  {
    weight: 2,
    arbitrary: fc.record({ failover: one([{ from: 'north', to: 'south' }], [{ from: 'west', to: 'south' }]) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      failoverPriority: one(
        ['topology.kubernetes.io/region'],
        ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'],
        ['version=v2'],
        ['app', 'topology.kubernetes.io/zone'],
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant({ failoverPriority: ['version=v1'], failover: [{ from: 'north', to: 'south' }] }),
  },
);
const balancer = one<Record<string, unknown>>(
  { simple: 'ROUND_ROBIN' },
  { simple: 'RANDOM' },
  { consistentHash: { httpHeaderName: 'x' } },
  { consistentHash: { httpHeaderName: 'x', maglev: { tableSize: 11 } } },
  { consistentHash: { useSourceIp: true, maglev: { tableSize: 13 } } },
);
const trafficPolicy = fields({
  loadBalancer: maybe(
    fc
      .tuple(balancer, maybe(localityLbSetting, 2))
      .map(([simple, setting]) => ({ ...simple, ...(setting ? { localityLbSetting: setting } : {}) })),
    2,
  ),
  outlierDetection: maybe(one({ consecutive5xxErrors: 5 }, {}), 3),
  connectionPool: maybe(fc.constant({ tcp: { maxConnections: 7 } }), 3),
  tls: maybe(one({ mode: 'DISABLE' }, { mode: 'ISTIO_MUTUAL' }, { mode: 'SIMPLE' }), 6),
}).map((policy) => (Object.keys(policy).length > 0 ? policy : { connectionPool: { tcp: { maxConnections: 7 } } }));
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
      { weight: 1, arbitrary: one('web', '', 'httpx') },
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
const service = (
  name: string,
  clusterIP: string,
  options: { plain?: boolean; tls?: boolean; elsewhere?: boolean } = {},
): fc.Arbitrary<KubeObject> =>
  fc
    .record({
      port: options.plain
        ? fc.constant({ name: 'http' })
        : options.tls
          ? rarely({ name: 'https' }, { name: 'tls-x' })
          : servicePort,
      first: options.elsewhere ? rarely(80, 8081) : fc.constant(80),
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
      near: options.plain ? fc.constant(undefined) : maybe(one('PreferClose', 'PreferSameZone'), 9),
    })
    .map(({ port, first, second, headless, version, exportTo, named, near }) => ({
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
        ...(near ? { trafficDistribution: near } : {}),
        selector: {
          app: name.replace(/-v\d$/, ''),
          ...(/-v\d$/.test(name) ? { version: name.slice(-2) } : {}),
          ...(version ? { version } : {}),
        },
        ports: [
          { ...port, port: first, targetPort: named ? 'web' : 8080, protocol: 'TCP' },
          ...(second ? [{ name: 'http-admin', port: 8080, targetPort: 8080, protocol: 'TCP' }] : []),
        ],
      },
    }));

const backend = fields({
  name: fc.oneof(
    { weight: 6, arbitrary: one('shop-v1', 'shop-v2') },
    { weight: 1, arbitrary: one('cart', 'nobody', 'old') },
  ),
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
const httpRoute = (theme: Theme) =>
  object(
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
            port: maybe(rarely(80, 81, 8080), 3),
          }).map((ref) => [ref]),
        },
        {
          weight: theme === 'kubernetes-gateway' ? 60 : 1,
          arbitrary: fields({
            name: fc.constant('web'),
            namespace: fc.constant('demo'),
            sectionName: maybe(one('one', 'two', 'alt'), 5),
            port: maybe(one(80, 8080), 6),
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
      hostnames: maybe(
        one(['a.example.com'], ['shop.example.com'], ['*.example.com'], ['*.example.com', 'a.example.com']),
        theme === 'kubernetes-gateway' ? 2 : 3,
      ),
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
    { names: ['r', 'r-new', 'shop'], namespaces: rarely('demo', 'ops') },
  );

const sidecar = object(
  ISTIO,
  'Sidecar',
  fields({
    egress: fc.array(
      fc.record({
        hosts: fc
          .tuple(
            fc.subarray(
              [
                ...['./*', 'demo/*', '*/*', `demo/${FQDN}`, 'istio-system/*', '~/*', 'ops/*'],
                ...['./cart.demo.svc.cluster.local', 'demo/old.demo.svc.cluster.local', '*/*.demo.svc.cluster.local'],
              ],
              { minLength: 1, maxLength: 3 },
            ),
            maybe(one(`~demo/${FQDN}`, '~./*', '~/cart.demo.svc.cluster.local', '~/*.demo.svc.cluster.local'), 8),
          )
          .map(([hosts, excluded]) => (excluded ? [...hosts, excluded] : hosts)),
      }),
      { minLength: 1, maxLength: 1 },
    ),
    outboundTrafficPolicy: maybe(one({ mode: 'REGISTRY_ONLY' }, { mode: 'ALLOW_ANY' }), 2),
    workloadSelector: maybe(one({ labels: { app: 'client' } }, { labels: { app: 'other' } }), 3),
  }),
  { names: ['s', 't'] },
);

const mtls = one({ mode: 'STRICT' }, { mode: 'PERMISSIVE' }, { mode: 'DISABLE' }, { mode: 'UNSET' });
const peerAuthentication = object(
  'security.istio.io/v1',
  'PeerAuthentication',
  fc.oneof(
    fields({ mtls: maybe(mtls, 1) }),
    fields({
      selector: one({ matchLabels: { app: 'shop' } }, { matchLabels: { version: 'v2' } }),
      mtls: maybe(mtls, 1),
      portLevelMtls: maybe(
        mtls.map((mode) => ({ 8080: mode })),
        2,
      ),
    }),
  ),
);

const serviceEntry = object(
  ISTIO,
  'ServiceEntry',
  fc.oneof(
    fields({
      hosts: one(['pay.example.com'], ['legacy.example.com'], ['pay.example.com', 'legacy.example.com']),
      location: one('MESH_EXTERNAL', 'MESH_INTERNAL'),
      ports: one<unknown>(
        [{ number: 443, name: 'tls', protocol: 'TLS' }],
        [{ number: 443, name: 'https', protocol: 'HTTPS' }],
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
          locality: maybe(locality, 2),
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
  fields({
    address: one('9.9.9.8', '9.9.9.9'),
    labels: one({ app: 'shop', version: 'v2' }, { app: 'shop', version: 'v3' }),
    locality: maybe(locality, 2),
  }),
  { names: ['w'], namespaces: fc.constant('demo') },
);
const gateway = object(
  ISTIO,
  'Gateway',
  fc.record({
    selector: fc.constant({ app: 'client' }),
    servers: fc
      .tuple(
        one(['*'], ['shop.example.com', '*.example.org'], ['*.example.com'], ['demo/*']),
        fc.boolean(),
        rarely(false, true),
      )
      .map(([hosts, passing, bytes]) => [
        { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts },
        ...(passing
          ? [{ port: { number: 443, name: 'tls', protocol: 'TLS' }, tls: { mode: 'PASSTHROUGH' }, hosts }]
          : []),
        ...(bytes ? [{ port: { number: 9000, name: 'tcp', protocol: 'TCP' }, hosts }] : []),
      ]),
  }),
  { names: ['gw'], namespaces: fc.constant('demo') },
);
const WEB = { 'gateway.networking.k8s.io/gateway-name': 'web' };
const listener = (name: string, port: number) =>
  fields({
    name: fc.constant(name),
    port: fc.constant(port),
    protocol: fc.constant('HTTP'),
    hostname: maybe(one('a.example.com', '*.example.com', 'shop.example.com'), 2),
    allowedRoutes: maybe(one<unknown>({ namespaces: { from: 'All' } }, { namespaces: { from: 'Same' } }), 2),
  });
/** A Gateway of the Gateway API with the Service and the pod that a controller makes for it. */
const kubernetesGateway: fc.Arbitrary<KubeObject[]> = fc
  .tuple(listener('one', 80), one(undefined, undefined, 80, 8080), one('two', 'alt'))
  .chain(([first, second, name]) =>
    second === undefined
      ? fc.constant([first] as Record<string, unknown>[])
      : listener(name, second).map((other) => [first, other] as Record<string, unknown>[]),
  )
  .map((listeners) => [
    {
      apiVersion: GATEWAY_API,
      kind: 'Gateway',
      metadata: { name: 'web', namespace: 'demo', creationTimestamp: '2025-01-01T00:00:00Z' },
      spec: { gatewayClassName: 'istio', listeners },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web-istio', namespace: 'demo', labels: WEB, creationTimestamp: '2025-01-01T00:00:00Z' },
      spec: {
        clusterIP: '10.0.0.9',
        selector: WEB,
        ports: [80, 8080].map((port) => ({ name: `http-${port}`, port, targetPort: port, protocol: 'TCP' })),
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web-istio-0', namespace: 'demo', labels: WEB },
      spec: { containers: [{ name: 'istio-proxy' }] },
      status: { phase: 'Running', podIP: '10.99.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
    },
  ]);
const meshConfig = one(
  'defaultHttpRetryPolicy: {attempts: 0}',
  'outboundTrafficPolicy: {mode: REGISTRY_ONLY}',
  'defaultVirtualServiceExportTo: ["."]',
  'defaultDestinationRuleExportTo: ["."]',
  'defaultServiceExportTo: ["."]',
  'rootNamespace: ops',
  'enableAutoMtls: false',
  'localityLbSetting: {enabled: false}',
  'localityLbSetting: {distribute: [{from: north/*, to: {north/b: 40, south/c: 60}}]}',
).map(
  (mesh): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace: 'istio-system' },
    data: { mesh },
  }),
);

const externalName: fc.Arbitrary<KubeObject> = fc
  .record({
    ports: rarely([80], [80, 8080], [8080], []),
    exportTo: rarely(undefined, '.', '*', 'ops'),
  })
  .map(({ ports, exportTo }) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'old',
      namespace: 'demo',
      creationTimestamp: '2025-01-01T00:00:00Z',
      ...(exportTo ? { annotations: { 'networking.istio.io/exportTo': exportTo } } : {}),
    },
    spec: {
      type: 'ExternalName',
      externalName: FQDN,
      ports: ports.map((port) => ({ name: `http-${port}`, port, targetPort: port, protocol: 'TCP' })),
    },
  }));

const podsOf = (app: string, versions: readonly string[]): fc.Arbitrary<KubeObject[]> =>
  fc
    .array(
      fc.record({
        version: one(...versions),
        ready: rarely(true, false),
        meshed: rarely(true, false),
        nodeName: one('node-a', 'node-b', 'node-c', 'node-nobody-knows'),
      }),
      { maxLength: 4 },
    )
    .map((all) =>
      all.map(({ version, ready, meshed, nodeName }, index) => {
        const made = pod(app, version, index, { ready });
        // What the injector writes.
        const labels = { ...made.metadata.labels, ...(meshed ? { 'security.istio.io/tlsMode': 'istio' } : {}) };
        return { ...made, metadata: { ...made.metadata, labels }, spec: { ...made.spec, nodeName } };
      }),
    );

const request = (theme: Theme) =>
  fc.record({
    port:
      theme === 'gateway'
        ? one(80, 443, 443, 9000, 8080)
        : fc.oneof({ weight: 8, arbitrary: fc.constant(80) }, { weight: 2, arbitrary: one(8080, 81, 443, 9000) }),
    plain: rarely(false, true),
    host: fc.oneof(
      { weight: theme === 'requests' ? 6 : theme === 'tls' ? 2 : 0, arbitrary: fc.constant('shop') },
      { weight: theme === 'tls' ? 12 : 0, arbitrary: fc.constant(FQDN) },
      {
        weight: theme === 'gateway' || theme === 'kubernetes-gateway' ? 12 : 0,
        arbitrary: one('shop.example.com', 'shop.example.com', 'a.example.com'),
      },
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
          'a.example.com',
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
  .oneof(
    { weight: 6, arbitrary: fc.constant<Theme>('requests') },
    { weight: 2, arbitrary: fc.constant<Theme>('tls') },
    { weight: 1, arbitrary: fc.constant<Theme>('gateway') },
    { weight: 1, arbitrary: fc.constant<Theme>('kubernetes-gateway') },
  )
  .chain((theme) => {
    const always = <T>(value: fc.Arbitrary<T>) => value.map((each) => [each]);
    const atWeb = theme === 'kubernetes-gateway';
    return fc.record({
      theme: fc.constant(theme),
      shop: service('shop', '10.0.0.1', { tls: theme === 'tls' }),
      cart: perhaps(service('cart', '10.0.0.2', { elsewhere: true }), 2),
      versions: fc.tuple(
        service('shop-v1', '10.0.0.3', { plain: true }),
        service('shop-v2', '10.0.0.4', { plain: true }),
      ),
      pods: podsOf('shop', ['v1', 'v1', 'v2', 'v3']),
      cartPods: podsOf('cart', ['c1']),
      rules: several(destinationRule, 3),
      routes: several(virtualService(theme), 3),
      httpRoutes: fc.oneof(
        { weight: atWeb ? 0 : 2, arbitrary: fc.constant([] as KubeObject[]) },
        { weight: 1, arbitrary: several(httpRoute(theme), atWeb ? 3 : 2) },
      ),
      sidecars: perhaps(sidecar, 6),
      entries: perhaps(serviceEntry, 4),
      workloadEntries: perhaps(workloadEntry, 10),
      gateways: theme === 'gateway' ? always(gateway) : perhaps(gateway, 3),
      web: atWeb ? always(kubernetesGateway) : perhaps(kubernetesGateway, 12),
      peers: fc.oneof(
        { weight: 2, arbitrary: fc.constant([] as KubeObject[]) },
        { weight: 1, arbitrary: several(peerAuthentication, 3) },
      ),
      mesh: perhaps(meshConfig, 8),
      alias: perhaps(externalName, 5),
      namespace: rarely('demo', 'ops'),
      nodes: one([], NODES),
      locality: one('', 'north/a', 'north/b', 'south/c', 'west/x'),
      requests: fc.array(request(theme), { minLength: 1, maxLength: 4 }),
    });
  })
  .map(({ theme, shop, cart, versions, pods, cartPods, namespace, requests, ...more }) => {
    const { rules, routes, httpRoutes, sidecars, entries, workloadEntries, gateways, web, peers, mesh, alias } = more;
    const all = [
      ...more.nodes,
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
      ...web.flat(),
      ...peers,
      ...mesh,
      ...alias,
      // Objects without any pod would be those of a folder, whose workloads stand for pods.
      pod('idle', 'v1'),
    ];
    const caller =
      theme === 'kubernetes-gateway'
        ? { workload: 'web-istio', namespace: 'demo', labels: WEB, gateway: true, locality: more.locality }
        : {
            workload: 'client',
            namespace,
            labels: { app: 'client' },
            gateway: theme === 'gateway',
            locality: more.locality,
          };
    const encrypted = new Set([shop, ...cart].filter(forTls).map(({ metadata }) => metadata.name));
    return {
      // A cluster holds one object of a name.
      objects: [
        ...new Map(
          all.map((each) => [`${each.apiVersion} ${each.kind}/${each.metadata.namespace}/${each.metadata.name}`, each]),
        ).values(),
      ],
      caller,
      // What a client encrypts by itself is what its server expects, or rarely not.
      requests: requests.map(({ plain, ...each }) => {
        const called = /^10\.0\.0\.1$|^old$/.test(each.host) ? 'shop' : (each.host.split('.')[0] ?? '');
        const tls = each.port === 443 || (!caller.gateway && each.port === 80 && encrypted.has(called));
        return { ...each, tls: tls && !plain };
      }),
    };
  });

/** The first port of a Service is one for TLS. */
const forTls = ({ spec }: KubeObject): boolean => {
  const [port] = (spec?.ports ?? []) as { name?: string; appProtocol?: string }[];
  return /^(https|tls)(-|$)/.test(port?.appProtocol ?? port?.name ?? '');
};
