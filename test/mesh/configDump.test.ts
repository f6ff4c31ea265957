import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { renderConfigDump, sameRoutes, summarise, summariseConfigDump } from '../../src/mesh/configDump.js';
import { caller, objects, pods, SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';
import { httpSection, objectsOf, plainWorld } from '../support/meshArbitraries.js';

const FQDN = 'shop.demo.svc.cluster.local';
const RUNS = { seed: 20260102, numRuns: 120 };
const PODS = [...pods('shop', 'v1', 1), ...pods('shop', 'v2', 2)];
const over = (...yaml: string[]) => compileProxyConfig([...objects(yaml.join('---')), ...PODS], caller());
const throughJson = (value: object): unknown => JSON.parse(JSON.stringify(value));

describe('a rendered dump, read again', () => {
  it('summarises as the configuration it was rendered from, for any rules', () => {
    fc.assert(
      fc.property(httpSection, fc.constantFrom('http', 'web', 'tcp'), (http, portName) => {
        const service = SERVICE.replace('name: http', `name: ${portName}`);
        const route = {
          apiVersion: 'networking.istio.io/v1',
          kind: 'VirtualService',
          metadata: { name: 'shop', namespace: 'demo' },
          spec: { hosts: ['shop'], http },
        };
        const config = compileProxyConfig([...objects(`${service}---${SUBSETS}`), route, ...PODS], caller());
        const held = summariseConfigDump(throughJson(renderConfigDump(config)), FQDN);
        expect(held).toEqual(summarise(config, FQDN));
        expect(sameRoutes(summarise(config, FQDN), held!)).toEqual([]);
      }),
      RUNS,
    );
  });

  it('summarises alike for any pods and subsets', () => {
    fc.assert(
      fc.property(plainWorld, (world) => {
        const config = compileProxyConfig(objectsOf(world), caller());
        expect(summariseConfigDump(throughJson(renderConfigDump(config)), FQDN)).toEqual(summarise(config, FQDN));
      }),
      RUNS,
    );
  });

  it.each([
    [
      'a weighted tcp rule',
      [SERVICE.replace('name: http', 'name: tcp'), SUBSETS, virtualService('[]', { more: `tcp: ${split(90, 10)}` })],
    ],
    ['a headless Service', [SERVICE.replace('10.0.0.1', 'None'), SUBSETS, virtualService(split(90, 10))]],
    ['no Service at all', [SUBSETS]],
  ])('summarises alike for %s', (_says, yaml) => {
    const config = over(...yaml);
    expect(summariseConfigDump(throughJson(renderConfigDump(config)), FQDN)).toEqual(summarise(config, FQDN));
  });
});

const canary = [SERVICE, SUBSETS, virtualService(split(90, 10))];
const held = (...yaml: string[]) => summariseConfigDump(throughJson(renderConfigDump(over(...yaml))), FQDN)!;
const wanted = summarise(over(...canary), FQDN);

describe('differences', () => {
  it('of equal tables there are none', () => expect(sameRoutes(wanted, held(...canary))).toEqual([]));
  it.each([
    [
      'other weights',
      [SERVICE, SUBSETS, virtualService(split(75, 25))],
      /should send 90 % .*v1.* \+ 10 % .*v2.*holds 75 % .* \+ 25 %/,
    ],
    ['no VirtualService', [SERVICE, SUBSETS], /should send 90 %.*holds 100 % outbound\|80\|\|shop/],
    ['no DestinationRule', [SERVICE, virtualService(split(90, 10))], /does not know cluster outbound\|80\|v1\|/],
    [
      'another mirror',
      [SERVICE, SUBSETS, virtualService(split(90, 10).replace('[{', '[{mirror: {host: shop, subset: v2}, '))],
      /should mirror nothing, the proxy holds 100 % to/,
    ],
    [
      'another fault',
      [
        SERVICE,
        SUBSETS,
        virtualService(split(90, 10).replace('[{', '[{fault: {abort: {httpStatus: 500, percentage: {value: 25}}}, ')),
      ],
      /should inject nothing, the proxy holds 25 % abort with 500/,
    ],
    [
      'another timeout',
      [SERVICE, SUBSETS, virtualService(split(90, 10).replace('[{', '[{timeout: 3s, '))],
      /should time out after never, the proxy holds 3000 ms/,
    ],
    [
      'a condition',
      [SERVICE, SUBSETS, virtualService(split(90, 10).replace('[{', '[{match: [{headers: {x: {exact: "1"}}}], '))],
      /should match every request, the proxy holds header x exact 1/,
    ],
    [
      'one more route',
      [
        SERVICE,
        SUBSETS,
        virtualService(
          split(90, 10).replace(
            '[{',
            '[{match: [{headers: {x: {exact: "1"}}}], route: [{destination: {host: shop}}]}, {',
          ),
        ),
      ],
      /should have 1 route .* holds 2 routes/,
    ],
  ])('%s are said in words', (_says, yaml, sentence) => {
    expect(sameRoutes(wanted, held(...yaml)).join('\n')).toMatch(sentence);
  });

  it('missing pods are said with their addresses', () => {
    const config = compileProxyConfig([...objects(canary.join('---')), ...PODS.slice(0, 2)], caller());
    const [sentence, ...others] = sameRoutes(wanted, summarise(config, FQDN));
    expect(sentence).toMatch(/Cluster outbound\|80\|v2\|.* should have the endpoints .*, .*:8080, the proxy holds /);
    expect(others).toEqual([]);
  });
});

/** What Istio 1.2x answers for the canary, shortened to one Service; addresses are those of the test's pods. */
function istioDump(): unknown {
  const ip = (index: number) => (PODS[index]!.status as { podIP: string }).podIP;
  const endpoint = (address: string, health?: string) => ({
    endpoint: { address: { socket_address: { address, port_value: 8080 } }, health_check_config: {} },
    ...(health ? { health_status: health } : {}),
    load_balancing_weight: 1,
  });
  const assignment = (subset: string, endpoints: object[]) => ({
    endpoint_config: {
      '@type': 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
      cluster_name: `outbound|80|${subset}|${FQDN}`,
      endpoints: [{ locality: {}, lb_endpoints: endpoints }],
      policy: { overprovisioning_factor: 140 },
    },
  });
  return {
    configs: [
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump',
        bootstrap: { node: { id: 'sidecar~10.0.0.9' } },
      },
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump',
        version_info: '2026-01-01T00:00:00Z/7',
        static_clusters: [{ cluster: { name: 'prometheus_stats', type: 'STATIC' } }],
        dynamic_active_clusters: ['', 'v1', 'v2'].map((subset) => ({
          version_info: '7',
          cluster: {
            name: `outbound|80|${subset}|${FQDN}`,
            type: 'EDS',
            lb_policy: 'LEAST_REQUEST',
            alt_stat_name: 'outbound_80;',
          },
        })),
      },
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.RoutesConfigDump',
        static_route_configs: [
          {
            route_config: { name: 'inbound', virtual_hosts: [{ name: 'inbound|http|80', domains: ['*'], routes: [] }] },
          },
        ],
        dynamic_route_configs: [
          {
            version_info: '7',
            route_config: {
              name: '80',
              virtual_hosts: [
                {
                  name: 'allow_any',
                  domains: ['*'],
                  routes: [{ match: { prefix: '/' }, route: { cluster: 'PassthroughCluster', timeout: '0s' } }],
                },
                {
                  name: `${FQDN}:80`,
                  domains: [FQDN, `${FQDN}.`, 'shop', 'shop.demo.svc', 'shop.demo', '10.0.0.1', '[::1]'],
                  routes: [
                    {
                      match: { prefix: '/' },
                      route: {
                        weighted_clusters: {
                          clusters: [
                            { name: `outbound|80|v1|${FQDN}`, weight: 90 },
                            { name: `outbound|80|v2|${FQDN}`, weight: 10 },
                          ],
                          total_weight: 100,
                        },
                        timeout: '0s',
                        retry_policy: {
                          retry_on: 'connect-failure',
                          num_retries: 2,
                          retry_host_predicate: [],
                          retriable_status_codes: [503],
                        },
                        max_grpc_timeout: '0s',
                      },
                      metadata: {
                        filter_metadata: {
                          istio: { config: '/apis/networking.istio.io/v1/namespaces/demo/virtual-service/shop' },
                        },
                      },
                      decorator: { operation: `${FQDN}:80/*` },
                    },
                  ],
                  include_request_attempt_count: true,
                },
              ],
            },
          },
        ],
      },
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.EndpointsConfigDump',
        dynamic_endpoint_configs: [
          assignment('', [endpoint(ip(0)), endpoint(ip(1)), endpoint(ip(2))]),
          assignment('v1', [endpoint(ip(0), 'HEALTHY')]),
          assignment('v2', [endpoint(ip(2)), endpoint(ip(1), 'HEALTHY'), endpoint('10.9.9.9', 'UNHEALTHY')]),
        ],
      },
    ],
  };
}

describe('the dump of a proxy under Istio', () => {
  it('equals the compiled objects in spite of what Istio adds', () => {
    expect(sameRoutes(wanted, summariseConfigDump(istioDump(), FQDN)!)).toEqual([]);
  });
  it.each([
    undefined,
    null,
    7,
    'x',
    [],
    {},
    { configs: 'x' },
    { configs: [null, { '@type': 'x.ClustersConfigDump' }] },
  ])('%j is no dump', (value) => expect(summariseConfigDump(value, FQDN)).toBeUndefined());
  it('survives any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const configs = [{ '@type': 'x.RoutesConfigDump', dynamic_route_configs: [{ route_config: value }] }];
        expect(summariseConfigDump({ configs }, FQDN)?.routes).toEqual([]);
      }),
      RUNS,
    );
  });
});

describe('at a gateway', () => {
  const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: demo}
spec:
  selector: {app: edge}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
`;
  const AT_GATEWAY = { hosts: '[shop.example.com]', more: 'gateways: [edge]' };
  const gateway = { ...caller(), labels: { app: 'edge' }, gateway: true };
  const bound = (v1: number, v2: number) =>
    compileProxyConfig(
      [...objects([SERVICE, SUBSETS, GATEWAY, virtualService(split(v1, v2), AT_GATEWAY)].join('---')), ...PODS],
      gateway,
    );
  const dumped = (config: ReturnType<typeof bound>) =>
    summariseConfigDump(throughJson(renderConfigDump(config)), FQDN)!;

  it('routes of any host that lead to the Service are its own', () => {
    const summary = summarise(bound(90, 10), FQDN);
    expect(summary.routes.map(({ port, clusters }) => [port, clusters.map(({ weight }) => weight)])).toEqual([
      [80, [90, 10]],
    ]);
    expect(dumped(bound(90, 10))).toEqual(summary);
  });

  it('where it listens is no difference: its Service says so', () => {
    const moved = JSON.parse(JSON.stringify(renderConfigDump(bound(90, 10))).replaceAll('"http.80"', '"http.8080"'));
    const held = summariseConfigDump(moved, FQDN)!;
    expect(held.routes[0]?.port).toBe(8080);
    expect(sameRoutes(summarise(bound(90, 10), FQDN), held)).toEqual([]);
  });

  it('another weight is a difference', () => {
    expect(sameRoutes(summarise(bound(90, 10), FQDN), dumped(bound(100, 0)))).toEqual([
      expect.stringMatching(/^Route 1 on port 80 should send 90 % .*, the proxy holds 100 % /),
    ]);
  });
});
