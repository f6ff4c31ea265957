import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { caller, objects } from '../support/mesh.js';

function refused(kind: string, spec: string): string {
  const all = objects(`apiVersion: networking.istio.io/v1\nkind: ${kind}\nmetadata: {name: x}\nspec: ${spec}\n`);
  return compileProxyConfig(all, caller())
    .warnings.filter(({ code }) => code === 'OBJECT_REFUSED')
    .map((warning) => warning.message)
    .join('\n');
}

describe('objects that the cluster refuses', () => {
  it.each([
    ['DestinationRule', '{host: shop, trafficPolicy: {}}', 'traffic policy must have at least one field'],
    ['DestinationRule', '{host: shop, subsets: [{name: v1}, {name: v1}]}', 'duplicate subset names: v1'],
    ['DestinationRule', '{host: shop, subsets: [{name: V_1}]}', 'subset name is invalid: V_1'],
    [
      'DestinationRule',
      '{host: shop, trafficPolicy: {loadBalancer: {consistentHash: {maglev: {tableSize: 10}}}}}',
      'prime number',
    ],
    [
      'DestinationRule',
      '{host: shop, subsets: [{name: v1, trafficPolicy: {connectionPool: {tcp: {connectTimeout: 0s}}}}]}',
      'found "0s", allowed is a duration of at least 1ms',
    ],
    [
      'VirtualService',
      '{hosts: [shop], http: [{corsPolicy: {maxAge: 0s}, redirect: {uri: /a}}]}',
      'found "0s", allowed is a duration of at least 1ms',
    ],
    [
      'DestinationRule',
      '{host: shop, exportTo: ["*"], workloadSelector: {matchLabels: {a: b}}}',
      'beyond its namespace',
    ],
    [
      'Gateway',
      '{servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop]}]}',
      'short names (non FQDN) are not allowed',
    ],
    ['Gateway', '{servers: []}', 'at least one server'],
    [
      'Gateway',
      '{servers: [{port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"]}]}',
      'must have TLS settings',
    ],
    [
      'ServiceEntry',
      '{hosts: [a.b, c.d], resolution: STATIC, ports: [{number: 1, name: t, protocol: TCP}]}',
      'multiple hosts',
    ],
    ['ServiceEntry', '{hosts: [a.b], endpoints: [{address: 1.1.1.1}]}', 'no endpoints should be provided'],
    ['Sidecar', '{}', 'empty configuration provided'],
    ['Sidecar', '{egress: [{hosts: [shop]}]}', 'allowed is namespace/host'],
    ['VirtualService', '{hosts: [shop]}', 'http, tcp or tls must be provided'],
    ['VirtualService', '{hosts: [shop, shop], http: [{redirect: {uri: /a}}]}', 'is there twice'],
    ['VirtualService', '{hosts: [shop], http: [{}]}', 'route, redirect or direct_response is required'],
    ['VirtualService', '{hosts: [shop], http: [{redirect: {redirectCode: 301}}]}', 'redirect must specify'],
    [
      'VirtualService',
      '{hosts: [shop], http: [{directResponse: {status: 200}, fault: {abort: {httpStatus: 400}}}]}',
      'either fault or directResponse',
    ],
    [
      'VirtualService',
      '{hosts: [shop], http: [{match: [{headers: {x: {regex: "*"}}}], redirect: {uri: /a}}]}',
      'no expression in RE2',
    ],
    [
      'VirtualService',
      '{hosts: [shop], http: [{retries: {attempts: 1, retryOn: "5xx, 503"}, redirect: {uri: /a}}]}',
      'not a valid retryOn policy',
    ],
    [
      'VirtualService',
      '{hosts: [shop], tcp: [{route: [{destination: {host: a}}, {destination: {host: b}}]}]}',
      'total destination weight = 0',
    ],
  ])('%s %s', (kind, spec, message) => {
    expect(refused(kind, spec)).toContain(message);
  });
});

describe('a localityLbSetting that the cluster refuses', () => {
  it.each([
    ['{distribute: [{from: a, to: {a: 100}}], failover: [{from: a, to: b}]}', 'distribute and failover exclude'],
    ['{distribute: [{from: a, to: {a: 60, b: 30}}]}', 'sum to 90'],
    ['{distribute: [{from: a, to: {a: 0, b: 100}}]}', 'allowed is 1 to 100'],
    ['{distribute: [{from: a, to: {a/b: 50, a: 50}}]}', 'a overlaps'],
    ['{distribute: [{from: "*/a", to: {a: 100}}]}', 'only one * is allowed'],
    ['{distribute: [{from: "a/", to: {a: 100}}]}', 'empty region, zone or subzone'],
    ['{failover: [{from: a, to: a}]}', 'different regions'],
    ['{failover: [{from: a/b, to: c}]}', 'must be regions'],
    ['{failover: [{from: a, to: b}], failoverPriority: [topology.kubernetes.io/zone]}', 'topology label'],
  ])('%s', (setting, message) => {
    expect(
      refused('DestinationRule', `{host: shop, trafficPolicy: {loadBalancer: {localityLbSetting: ${setting}}}}`),
    ).toContain(message);
  });
});
