import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import type { Route } from '../../src/mesh/types.js';
import { caller, objects, pods, SERVICE, virtualService } from '../support/mesh.js';
import { rule } from '../support/meshCases.js';

const compiled = (...yaml: string[]) =>
  compileProxyConfig([...objects([SERVICE, ...yaml].join('---')), ...pods('shop', 'v1', 1)], caller());

const routeOf = (more: string, ...yaml: string[]): Route => {
  const config = compiled(virtualService(`[{route: [{destination: {host: shop}}]${more}}]`), ...yaml);
  return config.ports[0]!.virtualHosts[0]!.routes[0]!;
};

const DEFAULT = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';
const meshConfig = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "defaultHttpRetryPolicy: {attempts: 0}"}
`;

describe('retries', () => {
  it.each([
    ['a route that says nothing has two, none for a status code', '', 2, DEFAULT, []],
    ['attempts: 3 keeps the default conditions', ', retries: {attempts: 3}', 3, DEFAULT, []],
    ['attempts: 0 is none', ', retries: {attempts: 0}', 0, '', []],
    ['an empty block is none', ', retries: {}', 0, '', []],
    [
      'numbers are status codes',
      ', retries: {attempts: 1, retryOn: "5xx,503"}',
      1,
      '5xx,retriable-status-codes',
      [503],
    ],
  ] as const)('%s', (_says, more, attempts, retryOn, statusCodes) => {
    const { retries } = routeOf(more);
    expect([retries.attempts, retries.retryOn.join(), retries.statusCodes]).toEqual([attempts, retryOn, statusCodes]);
  });

  it('a Service without a VirtualService has the default too', () => {
    expect(compiled().ports[0]!.virtualHosts[0]!.routes[0]!.retries.attempts).toBe(2);
  });

  it('the mesh config can switch the default off', () => {
    expect(routeOf('', meshConfig).retries.attempts).toBe(0);
    expect(compiled(meshConfig).ports[0]!.virtualHosts[0]!.routes[0]!.retries.attempts).toBe(0);
  });

  it.each([
    ['attempts 0 with retryOn', ', retries: {attempts: 0, retryOn: 5xx}'],
    ['an unknown word', ', retries: {attempts: 1, retryOn: sometimes}'],
    ['a timeout of 0s', ', timeout: 0s'],
    ['a timeout under 1 ms', ', timeout: 0.5ms'],
    ['a fault of nothing', ', fault: {}'],
    ['a redirect beside a route', ', redirect: {uri: /x}'],
  ])('%s is refused by the cluster, so the object has no effect', (_says, more) => {
    const config = compiled(virtualService(`[{route: [{destination: {host: shop}}]${more}}]`));
    expect(config.ports[0]!.virtualHosts[0]!.source).toBeUndefined();
    expect(config.warnings.map((warning) => warning.code)).toEqual(['OBJECT_REFUSED']);
  });
});

describe('timeouts', () => {
  it('there is none by default', () => expect(routeOf('').timeout).toBeUndefined());
  it.each([
    ['3s', 3000],
    ['1m30s', 90_000],
    ['0.25s', 250],
    ['1ms', 1],
  ])('%s is %d ms', (written, ms) => expect(routeOf(`, timeout: ${written}`).timeout).toBe(ms));
  it('a per-try timeout above the timeout is taken as it is', () => {
    const { timeout, retries } = routeOf(', timeout: 1s, retries: {attempts: 1, perTryTimeout: 2s}');
    expect([timeout, retries.perTryTimeout]).toEqual([1000, 2000]);
  });
});

describe('faults', () => {
  it.each([
    ['no percentage is no fault', 'abort: {httpStatus: 500}', {}],
    ['a percentage of 0 is no fault', 'abort: {httpStatus: 500, percentage: {value: 0}}', {}],
    ['an abort without status is none', 'abort: {percentage: {value: 50}}', {}],
    [
      'a gRPC status is HTTP 200',
      'abort: {grpcStatus: UNAVAILABLE, percentage: {value: 50}}',
      { abort: { share: 0.5, status: 200 } },
    ],
    [
      'an integer delay percent works',
      'delay: {percent: 30, fixedDelay: 2s}',
      { delay: { share: 0.3, duration: 2000 } },
    ],
    [
      'abort and delay stand beside each other',
      'delay: {percentage: {value: 10}, fixedDelay: 5ms}, abort: {httpStatus: 418, percentage: {value: 0.1}}',
      { delay: { share: 0.1, duration: 5 }, abort: { share: 0.001, status: 418 } },
    ],
  ])('%s', (_says, fault, expected) => expect(routeOf(`, fault: {${fault}}`).fault).toEqual(expected));

  it('an abort with 600 is stored and refused by the proxy', () => {
    const config = compiled(
      virtualService(
        '[{route: [{destination: {host: shop}}], fault: {abort: {httpStatus: 600, percentage: {value: 1}}}}]',
      ),
    );
    expect(config.warnings.map(({ code, field }) => [code, field])).toEqual([
      ['PROXY_REFUSES', 'spec.http[0].fault.abort.httpStatus'],
    ]);
  });
});

describe('traffic policies', () => {
  const clusterOf = (policy: string) =>
    compiled(
      rule(
        'shop',
        'demo',
        `{host: shop, trafficPolicy: {${policy}}, subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}]}`,
      ),
    );
  const whole = (policy: string) => clusterOf(policy).clusters['outbound|80||shop.demo.svc.cluster.local']!;

  it('the default is least request', () => expect(whole('').balancing).toBe('least-request'));
  it('a subset overrides the rule', () => {
    const config = clusterOf('loadBalancer: {simple: ROUND_ROBIN}');
    expect(config.clusters['outbound|80||shop.demo.svc.cluster.local']!.balancing).toBe('round-robin');
    expect(config.clusters['outbound|80|v1|shop.demo.svc.cluster.local']!.balancing).toBe('random');
  });
  it('a port level setting replaces the rule for its port', () => {
    const other = 'portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]';
    expect(whole(`loadBalancer: {simple: ROUND_ROBIN}, ${other}`).balancing).toBe('random');
  });
  it('consistent hashing names what it hashes', () => {
    const cluster = whole('loadBalancer: {consistentHash: {httpHeaderName: X-User}}');
    expect([cluster.balancing, cluster.hash]).toEqual(['ring-hash', { by: 'header', name: 'x-user' }]);
  });
  it('an empty outlier detection produces nothing', () =>
    expect(whole('outlierDetection: {}').outlier).toBeUndefined());
  it('any field of it switches the defaults on', () => {
    expect(whole('outlierDetection: {interval: 1s}').outlier).toEqual({
      consecutive5xx: 5,
      interval: 1000,
      baseEjection: 30_000,
      maxEjectionPercent: 10,
    });
  });
  it('consecutive5xxErrors: 0 is off', () => {
    expect(whole('outlierDetection: {consecutive5xxErrors: 0}').outlier?.consecutive5xx).toBe(0);
  });
  it('connection limits are read', () => {
    const limits = 'connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 2}}';
    expect(whole(limits).limits).toEqual({ maxConnections: 1, maxPending: 2 });
  });
  it('unready pods are kept as unready endpoints', () => {
    const config = compileProxyConfig([...objects(SERVICE), ...pods('shop', 'v1', 2, { ready: false })], caller());
    const { endpoints } = config.clusters['outbound|80||shop.demo.svc.cluster.local']!;
    expect(endpoints.map((endpoint) => endpoint.ready)).toEqual([false, false]);
  });
});
