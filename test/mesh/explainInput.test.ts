import { describe, expect, it } from 'vitest';
import { ASK, deployment, document, explain, explainWith, FILES, folder } from '../support/explain.js';
import { SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';

const ALL = Object.values(FILES).join('---\n');

describe('where manifests come from', () => {
  it('standard input', async () => {
    const { stdout } = await explainWith(ALL, folder({}), '-f', '-', '--from', 'client.demo', '--to', 'shop', '--json');
    expect(JSON.parse(stdout).share).toEqual({ v1: 0.9, v2: 0.1 });
  });
  it('standard input over a folder', async () => {
    const even = virtualService(split(50, 50));
    const { stdout } = await explainWith(even, folder(FILES), ...ASK, '-f', '-', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ share: { v1: 0.5, v2: 0.5 }, warnings: [{ code: 'DEFINED_TWICE' }] });
  });
});

describe('what a folder holds beside Kubernetes objects is left out with a line', () => {
  const leftOut = async (files: Record<string, string>) => {
    const { stderr, stdout, code } = await explain(folder({ ...FILES, ...files }), ...ASK, '--json');
    expect([code, JSON.parse(stdout).share]).toEqual([0, { v1: 0.9, v2: 0.1 }]);
    return stderr;
  };
  it.each([
    ['a compose file', 'services:\n  a: {image: b}\n', /^left out: m\/x\.yaml:1: is no Kubernetes object/],
    ['a list of values', '- 1\n- 2\n', /^left out: m\/x\.yaml:1: is no Kubernetes object/],
    [
      'a kustomization',
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n',
      /kubectl kustomize FOLDER \| weighbridge explain -f -/,
    ],
    [
      'a Helm template',
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n',
      /^left out: m\/x\.yaml:4: is a template .*helm template CHART > rendered\.yaml/,
    ],
  ])('%s', async (_says, text, line) => {
    expect(await leftOut({ 'm/x.yaml': text })).toMatch(line);
  });
  it('a custom resource of strangers needs no line', async () => {
    expect(await leftOut({ 'm/x.yaml': 'apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n' })).toBe('');
  });
});

describe('whether the caller has a sidecar', () => {
  const apps = [deployment('shop-v1', 'v1'), deployment('shop-v2', 'v2')].join('---');
  const ask = (client: string, more: Record<string, string> = {}) =>
    document(folder({ ...FILES, 'm/client.yaml': client, 'm/apps.yaml': apps, ...more }), ...ASK);
  const namespace = (labels: string) =>
    `apiVersion: v1\nkind: Namespace\nmetadata: {name: demo, labels: {${labels}}}\n`;

  it('without one kube-proxy balances its connections over all pods', async () => {
    const bare = deployment('client', '', ', annotations: {sidecar.istio.io/inject: "false"}');
    expect(await ask(bare)).toMatchObject({ share: { v1: 0.5, v2: 0.5 }, failed: {}, protocol: 'passthrough' });
  });
  it('a namespace can decide it', async () => {
    const client = deployment('client', '');
    const disabled = await ask(client, { 'm/ns.yaml': namespace('istio-injection: disabled') });
    expect(disabled).toMatchObject({ protocol: 'passthrough', warnings: [{ code: 'CALLER_WITHOUT_SIDECAR' }] });
    for (const labels of ['istio-injection: enabled', 'istio.io/rev: canary']) {
      expect(await ask(client, { 'm/ns.yaml': namespace(labels) })).toMatchObject({ protocol: 'http', warnings: [] });
    }
  });
  it('a namespace that says nothing is a warning', async () => {
    const { share, warnings } = await ask(deployment('client', ''), { 'm/ns.yaml': namespace('') });
    expect(share).toEqual({ v1: 0.9, v2: 0.1 });
    expect(warnings).toMatchObject([{ code: 'NOT_INJECTED', object: 'Namespace/demo', file: 'm/ns.yaml' }]);
  });
});

describe('a gateway that no file defines', () => {
  const GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: way, namespace: demo}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
`;
  const bound = virtualService(split(90, 10), { hosts: '["*"]', more: 'gateways: [way]' });
  const at = (to: string) =>
    document(
      folder({ ...FILES, 'm/mesh.yaml': [SUBSETS, bound, GATEWAY].join('---') }),
      ...['-f', 'm', '-n', 'demo', '--gateway', '--from', 'istio-ingressgateway.istio-system', '--to', to],
    );
  it("has the labels that Istio's chart gives one of its name", async () => {
    const { share, warnings } = await at('any.example:80');
    expect(share).toEqual({ v1: 0.9, v2: 0.1 });
    expect(warnings).toMatchObject([
      { code: 'CALLER_UNKNOWN', message: expect.stringContaining('app: istio-ingressgateway, istio: ingressgateway') },
    ]);
  });
  it('a port that no Gateway opens is said with those that there are', async () => {
    const { protocol, warnings } = await at('any.example:8080');
    expect(protocol).toBe('none');
    expect(warnings).toContainEqual(
      expect.objectContaining({
        code: 'GATEWAY_PORT_CLOSED',
        message:
          'No Gateway of this workload listens for any.example:8080; there are Gateway/demo/way (port 80 of istio: ingressgateway).',
      }),
    );
  });
});

describe('--expect', () => {
  const judged = async (...expected: string[]) => {
    const { code, stderr } = await explain(folder(FILES), ...ASK, ...expected.flatMap((one) => ['--expect', one]));
    return [code, stderr];
  };
  it('is met', async () => {
    expect(await judged('v2=10%', 'v1=90%,failed=0%')).toEqual([0, '']);
  });
  it('is not met', async () => {
    expect(await judged('v2=11%', 'v1=90%')).toEqual([1, '--expect: expected v2 11 %, predicted 10 %\n']);
  });
  it('counts what fails', async () => {
    const pinned = SERVICE.replace('{app: shop}', '{app: shop, version: v1}');
    const dir = folder({ ...FILES, 'm/service.yaml': pinned });
    const { code, stderr } = await explain(dir, ...ASK, '--expect', 'failed=0%', '--expect', 'v2=10%');
    expect([code, stderr]).toEqual([
      1,
      '--expect: expected failed 0 %, predicted 10 %\n--expect: expected v2 10 %, predicted 0 % (versions that are reached: v1)\n',
    ]);
  });
  it('is as exact as it is written', async () => {
    const dir = folder({ ...FILES, 'm/mesh.yaml': [SUBSETS, virtualService(split(67, 33))].join('---') });
    for (const [text, code] of [
      ['v2=33%', 0],
      ['v2=33.0%', 0],
      ['v2=33.2%', 1],
    ] as const) {
      expect((await explain(dir, ...ASK, '--expect', text)).code).toBe(code);
    }
  });
});

describe('--diff', () => {
  const pinned = SERVICE.replace('{app: shop}', '{app: shop, version: v1}');
  const dir = () =>
    folder({
      ...FILES,
      'n/apps.yaml': FILES['m/apps.yaml'],
      'n/mesh.yaml': FILES['m/mesh.yaml'],
      'n/service.yaml': pinned,
    });
  it('says which requests go elsewhere, by how much, and the warnings that come with it', async () => {
    const { stdout, code } = await explain(dir(), ...ASK, '--diff', 'n', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      from: 'client.demo',
      changes: [
        {
          to: 'shop:80',
          request: { method: 'GET', path: '/' },
          before: { share: { v1: 0.9, v2: 0.1 }, failed: {} },
          after: { share: { v1: 0.9 }, failed: { '503 UH': 0.1 } },
          moved: 0.1,
        },
      ],
      warnings: [{ code: 'SELECTOR_PINS_VERSION', file: 'n/service.yaml', line: 5 }],
      resolved: [],
    });
  });
  it('says so for people', async () => {
    const { stdout } = await explain(dir(), '-f', 'm', '--from', 'client.demo', '--diff', 'n');
    expect(stdout).toBe(`client.demo → shop.demo.svc.cluster.local:80  GET /
  10 % of these requests go elsewhere
    v1      ██████████████████░░      90 %  →  ██████████████████░░      90 %
    v2      ██░░░░░░░░░░░░░░░░░░      10 %  →  ░░░░░░░░░░░░░░░░░░░░       0 %
    503 UH  ░░░░░░░░░░░░░░░░░░░░       0 %  →  ██░░░░░░░░░░░░░░░░░░      10 %

new warnings
  SELECTOR_PINS_VERSION  Service/demo/shop spec.selector.version (n/service.yaml:5)
      The selector pins version: v1, so no pod of subset v2 (version: v2) is behind the Service; remove that label from the selector. Its share is answered 503 UH.
`);
  });
  it('the same objects: nothing', async () => {
    const { stdout } = await explain(folder(FILES), '-f', 'm', '--from', 'client.demo', '--diff', 'm');
    expect(stdout).toBe('client.demo: every request goes where it went before\n');
  });
  it('sees what was edited in a dump of a cluster, whose version it still carries', async () => {
    const dump = (first: number, second: number) =>
      virtualService(split(first, second)).replace('metadata:', 'metadata:\n  uid: u1\n  resourceVersion: "114"');
    expect(dump(1, 1)).toContain('114');
    const files = { ...FILES, 'm/mesh.yaml': [SUBSETS, dump(90, 10)].join('---'), 'after.yaml': dump(50, 50) };
    const { stdout } = await explain(folder(files), ...ASK, '--diff', 'm', 'after.yaml', '--json');
    expect(JSON.parse(stdout).changes).toMatchObject([{ moved: 0.4 }]);
  });
  it('examines a request for every condition of either table', async () => {
    const canary = `[{match: [{headers: {x-canary: {exact: "1"}}, uri: {regex: "/api/.*"}}], timeout: 3s, route: [{destination: {host: shop, subset: v2}}]}, ${split(90, 10).slice(1)}`;
    const files = { ...FILES, 'after.yaml': virtualService(canary) };
    const { stdout } = await explain(folder(files), ...ASK, '--diff', 'm', 'after.yaml', '--json');
    expect(JSON.parse(stdout).changes).toMatchObject([
      {
        request: { path: '/api/1', headers: { 'x-canary': '1' } },
        matches: 'header x-canary exact 1, path regex /api/.*',
        after: { share: { v2: 1 } },
        moved: 0.9,
        details: ['timeout none → 3000 ms'],
      },
    ]);
  });
  it('--expect is asked of the objects after the change', async () => {
    expect((await explain(dir(), ...ASK, '--diff', 'n', '--expect', 'v2=10%')).code).toBe(1);
    expect((await explain(dir(), '-f', 'n', ...ASK.slice(2), '--diff', 'm', '--expect', 'v2=10%')).code).toBe(0);
  });
});
