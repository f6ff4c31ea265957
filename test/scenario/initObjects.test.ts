import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadScenario } from '../../src/scenario/load.js';
import { bookinfo } from '../support/bookinfo.js';
import { init, refusal } from '../support/init.js';
import { Folders } from '../support/scenario.js';

const folders = new Folders();
afterAll(() => folders.remove());

const workload = (
  name: string,
  app: string,
  version: string,
  container = 'image: "example/app:1"',
) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${app}}}
  template:
    metadata: {labels: {app: ${app}, version: "${version}"}}
    spec: {containers: [{name: main, ${container}}]}
`;
const service = (name: string, more = '') => `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {selector: {app: ${name}${more}}, ports: [{name: http, port: 80}]}
`;
const join = (...documents: string[]) => documents.join('---\n');
const route = (destinations: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart}
spec: {hosts: [cart], http: [{route: ${destinations}}]}
`;
const SUBSETS = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart}
spec: {host: cart, subsets: [{name: old, labels: {version: "1"}}, {name: new, labels: {version: "2"}}]}
`;
const CART = join(service('cart'), workload('cart-1', 'cart', '1'), workload('cart-2', 'cart', '2'));
const WEB = workload('web', 'web', 'x');
const to = (subset: string, weight: number) => `{destination: {host: cart, subset: ${subset}}, weight: ${weight}}`;

/** Stage -> promised share of the version that is released. */
async function stagesOf(cwd: string, name: string) {
  const scenario = await loadScenario(`scenarios/${name}`, { cwd });
  const { stages } = parse(readFileSync(path.join(cwd, `scenarios/${name}/scenario.yaml`), 'utf8')) as {
    stages: { name: string; expect: { share: Record<string, string> } }[];
  };
  const next = Object.keys(scenario.versions).at(-1) ?? '';
  return { scenario, next, stages: stages.map((stage) => [stage.name, stage.expect.share[next]]) };
}

describe('init from manifests', () => {
  const EIGHTY =
    '[{route: [{destination: {host: reviews, subset: v1}, weight: 80}, {destination: {host: reviews, subset: v2}, weight: 20}]}]';

  test("finds what Istio's book shop releases, who calls it, and goes on from the present weights", async () => {
    const cwd = folders.make(bookinfo(EIGHTY));
    const printed = await init(cwd, '-f', '.');
    const { scenario, stages } = await stagesOf(cwd, 'reviews-canary');
    expect(scenario).toMatchObject({ service: 'reviews', from: 'productpage-v1', namespace: 'default' });
    expect(Object.keys(scenario.versions)).toEqual(['v1', 'v3', 'v2']);
    expect(stages).toEqual([
      ['present', '20%'],
      ['to-50', '50%'],
      ['to-100', '100%'],
    ]);
    expect(printed).toContain('reviews-canary: a run in which all is as promised ends red');
    expect(printed).toContain('present  share:v2 at client');
  });

  test.each<[string, string, string[], string, (string | undefined)[][]]>([
    [
      'without routes: balancing, then subsets and weights of its own',
      join(CART, WEB),
      [],
      'v2',
      [
        ['present', '50%'],
        ['to-10', '10%'],
        ['to-50', '50%'],
        ['to-100', '100%'],
      ],
    ],
    [
      'a route to the old version alone: a destination is added',
      join(CART, WEB, SUBSETS, route(`[${to('old', 100)}]`)),
      [],
      'v2',
      [
        ['present', '0%'],
        ['to-10', '10%'],
        ['to-50', '50%'],
        ['to-100', '100%'],
      ],
    ],
    [
      'a route that gives all to the new version: nothing is left to do',
      join(CART, WEB, SUBSETS, route(`[${to('old', 0)}, ${to('new', 100)}]`)),
      ['--versions', '1,2'],
      'v2',
      [['present', '100%']],
    ],
    [
      'the versions that a person names, the other way round',
      join(CART, WEB, SUBSETS, route(`[${to('old', 40)}, ${to('new', 60)}]`)),
      ['--versions', '2,1'],
      'v1',
      [
        ['present', '40%'],
        ['to-50', '50%'],
        ['to-100', '100%'],
      ],
    ],
    [
      'a Service that pins the old version',
      join(CART.replace('{app: cart}', '{app: cart, version: "1"}'), WEB),
      [],
      'v2',
      [['present', '0%']],
    ],
  ])('%s', async (_, text, args, next, stages) => {
    const cwd = folders.make({ 'm/all.yaml': text });
    await init(cwd, '-f', 'm', ...args);
    const made = await stagesOf(cwd, 'cart-canary');
    expect([made.next, made.stages]).toEqual([next, stages]);
  });

  test('weights of an HTTPRoute are changed where they are', async () => {
    const backend = (version: number) =>
      `apiVersion: v1\nkind: Service\nmetadata: {name: cart-${version}}\nspec: {selector: {app: cart, version: "${version}"}, ports: [{name: http, port: 80}]}\n`;
    const http = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart}
spec:
  parentRefs: [{group: "", kind: Service, name: cart, port: 80}]
  rules: [{backendRefs: [{name: cart-1, port: 80, weight: 9}, {name: cart-2, port: 80, weight: 1}]}]
`;
    const cwd = folders.make({ 'm/all.yaml': join(CART, WEB, backend(1), backend(2), http) });
    // The Services of one version each are its destinations, and no releases of their own.
    await init(cwd, '-f', 'm');
    const { scenario, stages } = await stagesOf(cwd, 'cart-canary');
    expect(scenario.mesh).toBe('gateway-api');
    expect(stages).toEqual([
      ['present', '10%'],
      ['to-50', '50%'],
      ['to-100', '100%'],
    ]);
  });

  const ASKS = workload(
    'shopfront',
    'shopfront',
    'x',
    'image: "e/a:1", env: [{name: CART, value: "http://cart:80/items"}]',
  );
  test.each([
    ['the environment that names the service', join(CART, WEB, ASKS), 'shopfront'],
    ['being the only other workload', join(CART, WEB), 'web'],
    [
      'an image of which is known whom it calls',
      join(
        CART.replaceAll('cart', 'reviews'),
        WEB,
        workload('job', 'job', 'x', 'image: "hub/examples-bookinfo-productpage-v1:1"'),
      ),
      'job',
    ],
    [
      'a load balancer',
      join(CART, WEB, workload('job', 'job', 'x'), service('web').replace('spec: {', 'spec: {type: LoadBalancer, ')),
      'web',
    ],
  ])('the caller is known by %s', async (_, text, from) => {
    const cwd = folders.make({ 'm/all.yaml': text });
    await init(cwd, '-f', 'm', '--name', 'canary');
    expect((await loadScenario('scenarios/canary', { cwd })).from).toBe(from);
  });

  describe('the only route comes from a gateway', () => {
    const ISTIO = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart}
spec:
  hosts: ["shop.example.com"]
  gateways: [edge]
  http: [{match: [{uri: {exact: /cart}}], route: [{destination: {host: cart, port: {number: 80}}}]}]
`;
    const GATEWAY_API = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 8080, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart}
spec:
  parentRefs: [{name: edge}]
  rules: [{matches: [{path: {type: Exact, value: /cart}}], backendRefs: [{name: cart, port: 80}]}]
`;
    const VERSIONS = ['1', '2'].map(
      (version) =>
        `apiVersion: v1\nkind: Service\nmetadata: {name: cart-${version}}\nspec: {selector: {app: cart, version: "${version}"}, ports: [{port: 80}]}\n`,
    );
    const STAGES = [
      ['present', '50%'],
      ['to-10', '10%'],
      ['to-50', '50%'],
      ['to-100', '100%'],
    ];

    test("Istio's: its pods stand in the namespace, the load asks what its route takes", async () => {
      const cwd = folders.make({ 'm/all.yaml': join(CART, ISTIO, workload('sleep', 'sleep', 'x')) });
      await init(cwd, '-f', 'm');
      const { scenario, stages } = await stagesOf(cwd, 'cart-canary');
      expect(stages).toEqual(STAGES);
      expect(scenario).toMatchObject({
        from: 'istio-ingressgateway',
        mesh: 'istio',
        marker: { uri: '/cart' },
        load: { uris: [{ method: 'GET', target: '/cart', headers: { Host: 'shop.example.com' } }] },
      });
      expect(scenario.stages[0]?.expect.by).toBe('balancing');
      const made = scenario.lab.objects
        .map(({ object }) => object)
        .filter(({ metadata }) => metadata.name === 'istio-ingressgateway');
      expect(made).toMatchObject([
        { kind: 'Deployment', spec: { template: { metadata: { labels: { istio: 'ingressgateway' } } } } },
        { kind: 'Service', spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } },
      ]);
      const canary = scenario.stages[1]?.apply.find(({ object }) => object.kind === 'VirtualService')?.object;
      expect(canary?.spec).toMatchObject({
        gateways: ['edge'],
        http: [{ route: [{ destination: { host: 'cart', port: { number: 80 } }, weight: 90 }, { weight: 10 }] }],
      });
    });

    test('of the Gateway API: Services of single versions take the weights', async () => {
      const cwd = folders.make({ 'm/all.yaml': join(CART, GATEWAY_API, ...VERSIONS) });
      await init(cwd, '-f', 'm');
      const { scenario, stages } = await stagesOf(cwd, 'cart-canary');
      expect(stages).toEqual(STAGES);
      expect(scenario).toMatchObject({
        from: 'edge-istio',
        mesh: 'gateway-api',
        load: { uris: [{ target: '/cart' }] },
      });
      expect(scenario.stages[1]?.apply.map(({ object }) => object.spec)).toMatchObject([
        {
          rules: [
            {
              backendRefs: [
                { name: 'cart-1', port: 80, weight: 90 },
                { name: 'cart-2', weight: 10 },
              ],
            },
          ],
        },
      ]);
    });

    test('a route of the mesh beside it: the gateway is not taken for the caller, unless it is named', async () => {
      const outside = ISTIO.replace('metadata: {name: cart}', 'metadata: {name: outside}');
      const mesh = route(`[${to('old', 90)}, ${to('new', 10)}]`);
      const cwd = folders.make({ 'm/all.yaml': join(CART, outside, SUBSETS, mesh, WEB) });
      await init(cwd, '-f', 'm');
      expect((await stagesOf(cwd, 'cart-canary')).scenario.from).toBe('web');
      await init(cwd, '-f', 'm', '--from', 'istio-ingressgateway', '--name', 'edge');
      expect((await stagesOf(cwd, 'edge')).scenario.from).toBe('istio-ingressgateway');
    });
  });

  test('what a cluster has made of a Deployment is none of its own, what an operator has made is', async () => {
    const owned = (text: string, kind: string) =>
      text.replace(
        /metadata: \{name: ([\w-]+)\}/,
        `metadata: {name: $1, ownerReferences: [{kind: ${kind}, name: o, controller: true}]}`,
      );
    const set = owned(
      WEB.replace('name: web}', 'name: web-7f}').replace('kind: Deployment', 'kind: ReplicaSet'),
      'Deployment',
    );
    const cwd = folders.make({ 'm/all.yaml': join(CART, owned(WEB, 'Shop'), set) });
    await init(cwd, '-f', 'm');
    expect((await loadScenario('scenarios/cart-canary', { cwd })).from).toBe('web');
  });

  test('several routes of one name are a choice, the same one twice is none', async () => {
    const even = route(`[${to('old', 50)}, ${to('new', 50)}]`);
    const files = {
      'm/all.yaml': join(CART, WEB, SUBSETS),
      'm/r1.yaml': even,
      'm/r2.yaml': route(`[${to('old', 90)}, ${to('new', 10)}]`),
    };
    expect(await refusal(folders.make(files), '-f', 'm')).toEqual([
      '-f:-: 2 different VirtualService/default/cart: m/r1.yaml:1, m/r2.yaml:1; everything follows from which of them is in force (name the one that is meant, and leave its folder out)',
    ]);
    const cwd = folders.make({ ...files, 'm/r2.yaml': even });
    expect(await init(cwd, '-f', 'm')).not.toContain('several');
  });

  test.each([
    [
      'several services with two versions',
      [CART, CART.replaceAll('cart', 'stock'), WEB],
      [],
      '--service:-: several Services have two versions: cart in default (1, 2); stock in default (1, 2) (choose one with --service, and --namespace)',
    ],
    [
      'no service with two versions',
      [service('cart'), workload('cart-1', 'cart', '1'), WEB],
      [],
      '--service:-: no Service has pods of two versions behind it (the pods of a release differ in the label version or app.kubernetes.io/version; bring both Deployments)',
    ],
    [
      'a service that is not there',
      [CART, WEB],
      ['--service', 'kart'],
      '--service:-: found "kart", which has no two versions (choose one of: cart in default (1, 2))',
    ],
    [
      'callers without evidence',
      [CART, WEB, workload('job', 'job', 'x')],
      [],
      '--from:-: nothing tells which workload calls cart (choose one with --from: web, job)',
    ],
    [
      'several callers',
      [CART, ASKS, ASKS.replaceAll('shopfront', 'app')],
      [],
      '--from:-: several workloads may call cart (its environment or arguments name the service) (choose one with --from: shopfront, app)',
    ],
    [
      'nobody to call',
      [CART],
      [],
      '--from:-: nothing tells which workload calls cart (bring the workload that calls it: routes apply in the proxy of the caller)',
    ],
    [
      'a caller that is not there',
      [CART, WEB],
      ['--from', 'wep'],
      '--from:-: found "wep", which is no other workload of default (choose one with --from: web)',
    ],
    ['versions that no pod has', [CART, WEB], ['--versions', '1,3'], '--versions:-: found 3; the pods have 1, 2'],
  ])('%s: it lists the choices and writes nothing', async (_, documents, args, problem) => {
    const cwd = folders.make({ 'm/all.yaml': join(...documents) });
    expect(await refusal(cwd, '-f', 'm', ...args)).toEqual([problem]);
  });

  test('the environment of containers, and so their secrets, are not written down', async () => {
    const secret = workload('web', 'web', 'x', 'image: "e/a:1", env: [{name: PASSWORD, value: "hunter2"}]');
    const opaque = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2}\n';
    const cwd = folders.make({ 'm/all.yaml': join(CART, secret, opaque) });
    await init(cwd, '-f', 'm');
    const text = readFileSync(path.join(cwd, 'scenarios/cart-canary/objects.yaml'), 'utf8');
    expect(text).not.toContain('hunter2');
    const objects = parseAllDocuments(text).map(
      (document) => document.toJS() as { kind: string; spec: { type?: string } },
    );
    // Nothing leads to the caller yet, so the load gets a way in.
    expect(objects.map(({ kind, spec }) => [kind, spec.type])).toEqual([
      ['Service', 'ClusterIP'],
      ['Deployment', undefined],
      ['Deployment', undefined],
      ['Deployment', undefined],
      ['Service', 'LoadBalancer'],
    ]);
  });
});
