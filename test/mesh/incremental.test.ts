import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KubeObject, objectRef } from '../../src/base/kubernetes.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import type { ProxyConfig } from '../../src/mesh/types.js';
import { canaryOf, largeMesh } from '../support/largeMesh.js';
import { caller, objects, pod, SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';

const FROM = caller();
const plain = ({ ports, clusters, hidden, unknownHosts, warnings }: ProxyConfig) => ({
  ports,
  clusters,
  hidden,
  unknownHosts,
  warnings,
});
const anew = (all: readonly KubeObject[]) => plain(compileProxyConfig(structuredClone(all) as KubeObject[], FROM));

/** What is not the same object as before. */
function rebuilt(before: ProxyConfig, after: ProxyConfig) {
  const old = new Set(before.ports.flatMap(({ virtualHosts }) => virtualHosts));
  return {
    hosts: after.ports.flatMap(({ virtualHosts }) =>
      virtualHosts.filter((host) => !old.has(host)).map((host) => host.name),
    ),
    clusters: Object.keys(after.clusters).filter((name) => after.clusters[name] !== before.clusters[name]),
  };
}

describe('after a change of one object only what depends on it is made anew', () => {
  const all = largeMesh(50);
  const from = (first: readonly KubeObject[], second: readonly KubeObject[]) => {
    const before = compileProxyConfig([...first], FROM);
    return rebuilt(before, compileProxyConfig([...second], FROM));
  };
  const changed = (find: (object: KubeObject) => boolean, ...by: KubeObject[]) =>
    from(all, [...all.filter((object) => !find(object)), ...by]);
  const is = (kind: string, name: string) => (object: KubeObject) =>
    object.kind === kind && object.metadata.name === name;
  const host = 'app-7.demo.svc.cluster.local';
  const clusters = ['', 'v1', 'v2'].map((subset) => `outbound|80|${subset}|${host}`);

  it('a VirtualService: its host', () => {
    expect(changed(is('VirtualService', 'app-7'), canaryOf('app-7', 50))).toEqual({
      hosts: [`${host}:80`],
      clusters: [],
    });
  });
  it('a pod: the clusters of its Service', () => {
    expect(changed(is('Pod', 'app-7-v2-0'), pod('app-7', 'v2', 0, { ready: false }))).toEqual({ hosts: [], clusters });
  });
  it('a DestinationRule: the clusters of its host', () => {
    expect(changed(is('DestinationRule', 'app-7'))).toEqual({ hosts: [], clusters: [clusters[0]] });
    expect(
      Object.keys(
        compileProxyConfig(
          all.filter((one) => !is('DestinationRule', 'app-7')(one)),
          FROM,
        ).clusters,
      ),
    ).not.toContain(clusters[1]);
  });
  it('nothing but the order: nothing', () => {
    expect(from(all, [...all].reverse())).toEqual({ hosts: [], clusters: [] });
  });
  it('objects read again that say the same revision: nothing', () => {
    const versioned = all.map((object, index) => ({
      ...object,
      metadata: { ...object.metadata, uid: `u${index}`, resourceVersion: '1' },
    }));
    expect(from(versioned, structuredClone(versioned) as KubeObject[])).toEqual({ hosts: [], clusters: [] });
  });
});

/** Objects that influence each other in many ways; any subset of them is a cluster. */
const POOL: readonly KubeObject[] = [
  ...objects(
    [
      SERVICE,
      SERVICE.replace('name: http', 'name: tcp-x'),
      SERVICE.replace('app: shop', 'app: shop, version: v1'),
      SERVICE.replace('{name: shop,', '{name: cart,').replace('10.0.0.1', '10.0.0.2'),
      'apiVersion: v1\nkind: Service\nmetadata: {name: old}\nspec: {type: ExternalName, externalName: shop.demo.svc.cluster.local}\n',
      SUBSETS,
      SUBSETS.replace('namespace: demo', 'namespace: istio-system').replace(
        'host: shop',
        'host: shop.demo.svc.cluster.local',
      ),
      virtualService(split(90, 10)),
      virtualService(split(50, 50), { name: 'a', hosts: '["*.demo.svc.cluster.local"]' }),
      virtualService(split(20, 80), { name: 'b', hosts: '[shop.demo]' }),
      virtualService('[{delegate: {name: leaf}}]', { name: 'root', hosts: '[cart]' }),
      virtualService(split(70, 30), { name: 'leaf', hosts: '[]' }),
      virtualService('[]', { name: 't', more: `tcp: ${split(90, 10)}` }),
      virtualService('[{route: [{destination: {host: cart}}]}]', {
        name: 'c',
        hosts: '[shop]',
        created: '2020-01-01T00:00:00Z',
      }),
      `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{group: "", kind: Service, name: shop}], rules: [{backendRefs: [{name: cart, port: 80}]}]}
`,
      'apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: s}\nspec: {egress: [{hosts: ["./cart.demo.svc.cluster.local"]}]}\n',
      'apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e}\nspec: {hosts: [pay.example.com], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [{address: 1.1.1.1}]}\n',
      'apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: w, labels: {app: shop, version: v2}}\nspec: {address: 9.9.9.9}\n',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: "defaultHttpRetryPolicy: {attempts: 0}"}\n',
    ].join('---\n'),
  ),
  pod('shop', 'v1'),
  pod('shop', 'v2'),
  pod('cart', 'v1'),
];

/** The same objects as a cluster tells them each time it is asked: other values in memory, the same revisions. */
const readAgain = (all: readonly KubeObject[]): KubeObject[] =>
  all.map((object) => {
    const metadata = { ...object.metadata, uid: `u${POOL.indexOf(object)}`, resourceVersion: '1' };
    return structuredClone({ ...object, metadata }) as KubeObject;
  });

it.each([
  ['the same values', (all: readonly KubeObject[]) => [...all]],
  ['values read again', readAgain],
])('any sequence of changes yields what compiling anew yields: %s', (_, read) => {
  const states = fc.array(
    fc.subarray(POOL as KubeObject[], { minLength: 3 }).map((all) => [
      // A cluster holds one object of a name.
      ...new Map(all.map((object) => [objectRef(object), object])).values(),
    ]),
    { minLength: 2, maxLength: 6 },
  );
  fc.assert(
    fc.property(states, (sequence) => {
      // Fresh expectations first: compiling them between the states would hide what the states remember of each other.
      const expected = sequence.map(anew);
      const found = sequence.map((state) => plain(compileProxyConfig(read(state), FROM)));
      expect(found).toEqual(expected);
    }),
    { numRuns: 60, seed: 8 },
  );
});
