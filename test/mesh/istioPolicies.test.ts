import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { renderConfigDump } from '../../src/mesh/configDump.js';
import { caller, objects, pods, SERVICE, virtualService } from '../support/mesh.js';
import { rule } from '../support/meshCases.js';

const compiled = (...yaml: string[]) =>
  compileProxyConfig([...objects([SERVICE, ...yaml].join('---')), ...pods('shop', 'v1', 1)], caller());

const WHOLE = 'outbound|80||shop.demo.svc.cluster.local';
const V1 = 'outbound|80|v1|shop.demo.svc.cluster.local';

describe('Retries, timeouts, faults', () => {
  it('default on every route: previous_hosts, 5 host attempts, timeout 0s', () => {
    const dump = JSON.stringify(renderConfigDump(compiled()));
    expect(dump).toContain('previous_hosts');
    expect(dump).toContain('"host_selection_retry_max_attempts":"5"');
    expect(dump).toContain('"timeout":"0s"');
  });

  it('httpStatus: 600: Envoy refuses it, and the warning names the field', () => {
    const { warnings } = compiled(
      virtualService(
        '[{route: [{destination: {host: shop}}], fault: {abort: {httpStatus: 600, percentage: {value: 1}}}}]',
      ),
    );
    expect(warnings.map(({ code, field }) => [code, field])).toEqual([
      ['PROXY_REFUSES', 'spec.http[0].fault.abort.httpStatus'],
    ]);
  });
});

describe('Traffic policies', () => {
  const withPolicy = (policy: string) =>
    compiled(
      rule(
        'shop',
        'demo',
        `{host: shop, trafficPolicy: {${policy}}, subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {simple: RANDOM}}}]}`,
      ),
    );
  const whole = (policy: string) => withPolicy(policy).clusters[WHOLE]!;

  it('the default is least request', () => expect(whole('').balancing).toBe('least-request'));
  it('a subset overrides the rule', () => {
    const config = withPolicy('loadBalancer: {simple: ROUND_ROBIN}');
    expect(config.clusters[WHOLE]!.balancing).toBe('round-robin');
    expect(config.clusters[V1]!.balancing).toBe('random');
  });
  it('a port level setting replaces the rule for its port', () => {
    const other = 'portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]';
    expect(whole(`loadBalancer: {simple: ROUND_ROBIN}, ${other}`).balancing).toBe('random');
  });
  it('consistentHash + weights: the hash picks the pod inside the drawn subset', () => {
    const hashed = '{host: shop, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: X-User}}}';
    const { clusters } = compiled(rule('shop', 'demo', `${hashed}, subsets: [{name: v1, labels: {version: v1}}]}`));
    for (const name of [WHOLE, V1]) {
      const { balancing, hash } = clusters[name]!;
      expect([balancing, hash]).toEqual(['ring-hash', { by: 'header', name: 'x-user' }]);
    }
  });
  it('maglev needs a prime tableSize', () => {
    const codes = (tableSize: number) =>
      withPolicy(`loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: ${tableSize}}}}`).warnings.map(
        ({ code }) => code,
      );
    expect(codes(10)).toEqual(['OBJECT_REFUSED']);
    expect(codes(11)).toEqual([]);
  });
  it("outlierDetection: {} switches it on with Envoy's defaults", () => {
    expect(whole('outlierDetection: {}').outlier).toEqual({
      consecutive5xx: 5,
      interval: 10_000,
      baseEjection: 30_000,
      maxEjectionPercent: 10,
    });
  });
  it("outlierDetection: any field switches it on with Envoy's defaults for the rest", () => {
    expect(whole('outlierDetection: {interval: 1s}').outlier).toEqual({
      consecutive5xx: 5,
      interval: 1000,
      baseEjection: 30_000,
      maxEjectionPercent: 10,
    });
  });
  it('consecutive5xxErrors: 0: enforcing 0', () => {
    expect(whole('outlierDetection: {consecutive5xxErrors: 0}').outlier?.consecutive5xx).toBe(0);
  });
  it('connection limits are read', () => {
    const limits = 'connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 2}}';
    expect(whole(limits).limits).toEqual({ maxConnections: 1, maxPending: 2 });
  });
  it('unready pods are sent in EDS as unhealthy', () => {
    const config = compileProxyConfig([...objects(SERVICE), ...pods('shop', 'v1', 2, { ready: false })], caller());
    expect(config.clusters[WHOLE]!.endpoints.map((endpoint) => endpoint.ready)).toEqual([false, false]);
    const dump = JSON.stringify(renderConfigDump(config));
    expect(dump.match(/"health_status":"UNHEALTHY"/g)).toHaveLength(2);
  });
});
