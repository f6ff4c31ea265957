import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import type { DiagnoseDocument } from '../../../src/cli/diagnoseDocument.js';
import { readVisibleObjects } from '../../../src/cluster/workloads.js';
import { isReady } from '../../../src/judge/causes/objects.js';
import { callerTables } from '../../../src/release/callerTables.js';
import { say } from '../../support/io.js';
import { eventually } from '../../support/poll.js';
import { type PitstopLab, pitstopLab, restrictedClient, startedLoad } from '../../support/release.js';
import { watchedApi } from '../../support/watchedApi.js';

/** The canary stage in place, with the weights as they are told. */
const withWeights = (v1: number, v2: number) => (objects: KubeObject[]) =>
  objects.map((object): KubeObject => {
    if (object.kind !== 'VirtualService') return object;
    const routes = JSON.stringify(object.spec)
      .replace(/"weight":90/g, `"weight":${v1}`)
      .replace(/"weight":10/g, `"weight":${v2}`);
    return { ...object, spec: JSON.parse(routes) as Record<string, unknown> };
  });

const REFUSED = 'http://127.0.0.1:9';

describe('diagnose on the canary stage of a live cluster', () => {
  let pitstop: PitstopLab;
  beforeAll(async () => {
    pitstop = await pitstopLab('even', { edit: withWeights(75, 25) });
  });
  afterAll(() => pitstop.close());

  async function ask(args: readonly string[], forbidden: readonly string[] = []) {
    const api = await watchedApi(pitstop, forbidden);
    const { prometheusUrl, kialiUrl } = pitstop.lab;
    const target = [
      '--kubeconfig',
      api.kubeconfig,
      '--prometheus-url',
      prometheusUrl,
      '--kiali-url',
      kialiUrl,
      '--json',
    ];
    const { code, stdout, stderr } = await say(['diagnose', ...target, ...args]);
    return { code, stderr, asked: api.asked, document: JSON.parse(stdout) as DiagnoseDocument };
  }
  const scenario = ['scenarios/pitstop', '--stage', 'canary'];
  const service = ['--service', 'customermanagementapi', '-n', 'pitstop'];
  const weight = {
    code: 'WEIGHT_DIFFERS',
    object: 'VirtualService/pitstop/customermanagementapi',
    field: 'spec.http[0].route[1].weight',
    found: '25',
    expected: '10',
  };

  it('names the weight that is not the promised one, and writes nothing', async () => {
    await startedLoad(pitstop);
    const before = pitstop.lab.store.resourceVersion;
    const { code, document, asked } = await ask([...scenario, '--window', '6s']);
    expect(document.causes[0]).toMatchObject(weight);
    expect(document.causes[0]?.place).toMatch(/customermanagementapi-canary\.yaml:\d+$/);
    expect(document.checks).toContainEqual(expect.objectContaining({ name: 'share:v2', vantagePoint: 'source' }));
    expect(document).toMatchObject({ result: 'cause', exitCode: 1, promisedBy: 'stage', from: 'webapp' });
    expect(code).toBe(1);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((request) => !request.startsWith('GET '))).toEqual([]);
    expect(asked.some((request) => request.includes('/portforward'))).toBe(true);
    expect(document.looked).toContainEqual(
      expect.objectContaining({ source: "callers' route tables", detail: '1 of 1 hold what the objects compile to' }),
    );
    expect(pitstop.lab.store.resourceVersion).toBe(before);
  });

  it('names it by the objects alone where Prometheus refuses connections, and says what it cannot tell', async () => {
    const { code, document } = await ask([...scenario, '--prometheus-url', REFUSED, '--kiali-url', REFUSED]);
    expect(document.causes).toMatchObject([weight]);
    expect(document).toMatchObject({ exitCode: 1, window: { interrupted: false } });
    expect(document.window.seconds).toBeLessThan(60);
    const point = (source: string) => document.looked.find((each) => each.source === source);
    expect(point('source proxies')).toMatchObject({ seen: false, unknown: expect.stringContaining('which version') });
    expect(point('source proxies')?.detail).toContain(REFUSED);
    expect(point('traffic graph')).toMatchObject({ seen: false });
    expect(code).toBe(1);
  });

  it('makes its scenario of the live objects, and goes on without what the credentials hide', async () => {
    const load = await startedLoad(pitstop);
    const told = await ask([...service, '--expect', 'v2=10%', '--window', '3s'], ['pods', 'namespaces', 'telemetries']);
    await load.stop();
    expect(told.stderr).toContain('caller: webapp, which calls customermanagementapi most');
    expect(told.document).toMatchObject({ from: 'webapp', promised: { v2: 0.1 }, promisedBy: 'expect', exitCode: 1 });
    expect(told.document.causes[0]).toMatchObject(weight);
    const hidden = told.document.looked.filter(({ seen }) => !seen).map(({ source }) => source);
    expect(hidden).toEqual(expect.arrayContaining(['Namespace', 'Pod', 'Telemetry']));
    expect(told.document.looked.find(({ source }) => source === 'Pod')?.detail).toContain('forbidden');
  });

  it('tells what it saw until Ctrl-C', async () => {
    const { lab, dir } = pitstop;
    const ctrlC = new AbortController();
    const target = [
      '--kubeconfig',
      `${dir}/kubeconfig`,
      '--prometheus-url',
      lab.prometheusUrl,
      '--kiali-url',
      lab.kialiUrl,
    ];
    const { code, stdout } = await say(['diagnose', ...scenario, '--window', '10m', '--json', ...target], {
      signal: ctrlC.signal,
      heard: (text) => {
        if (text.startsWith('watching')) ctrlC.abort('SIGINT');
      },
    });
    const document = JSON.parse(stdout) as DiagnoseDocument;
    expect(document.window.interrupted).toBe(true);
    expect(document.window.seconds).toBeLessThan(60);
    expect(document.causes[0]).toMatchObject(weight);
    expect(code).toBe(130);
  });
});

describe('diagnose on a canary stage that is as it should be', () => {
  let pitstop: PitstopLab;
  beforeAll(async () => {
    pitstop = await pitstopLab('even');
    await eventually(async () => {
      const pods = await pitstop.client.list('v1', 'Pod', 'pitstop');
      expect(pods.filter((pod) => !isReady(pod))).toEqual([]);
    });
  });
  afterAll(() => pitstop.close());
  const args = ['diagnose', '--service', 'customermanagementapi', '-n', 'pitstop'];
  const target = () => {
    const { prometheusUrl, kialiUrl } = pitstop.lab;
    return ['--kubeconfig', `${pitstop.dir}/kubeconfig`, '--prometheus-url', prometheusUrl, '--kiali-url', kialiUrl];
  };

  it('finds nothing where nobody sends, and does not call that well', async () => {
    const { code, stdout } = await say([...args, '--from', 'webapp', '--window', '1500ms', ...target()]);
    expect(code).toBe(2);
    expect(stdout).toContain('v2 10 % (as the route in force says)');
    expect(stdout).toContain('too little could be seen');
    expect(stdout).toMatch(/source proxies: .*no request passed webapp's proxy/);
  });

  it('finds nothing wrong where the split is as promised', async () => {
    await startedLoad(pitstop);
    const { code, stdout } = await say([...args, '--expect', 'v2=10%', '--window', '6s', ...target()]);
    expect(stdout).toContain('Nothing wrong was found.');
    expect(stdout).not.toContain('Could not look at');
    expect(code).toBe(0);
  });
});

describe('diagnose on a caller with a proxy that no longer follows', () => {
  let pitstop: PitstopLab;
  beforeAll(async () => {
    pitstop = await pitstopLab('even', { stale: { webapp: 1 } });
  });
  afterAll(() => pitstop.close());

  it('names the pod, and what it holds instead', async () => {
    const { client, lab, dir } = pitstop;
    await eventually(async () => {
      const pods = await client.list('v1', 'Pod', 'pitstop');
      expect(pods.filter((pod) => !isReady(pod))).toEqual([]);
    });
    const key = { kind: 'VirtualService', namespace: 'pitstop', name: 'customermanagementapi' };
    const live = await client.get({ apiVersion: 'networking.istio.io/v1', ...key });
    const [changed] = withWeights(50, 50)(live ? [live] : []);
    if (!changed) throw new Error('the route is not there');
    await client.replace(changed);
    const target = ['--kubeconfig', `${dir}/kubeconfig`, '--prometheus-url', lab.prometheusUrl];
    const { code, stdout } = await say([
      ...['diagnose', '--service', 'customermanagementapi', '-n', 'pitstop', '--from', 'webapp'],
      ...['--expect', 'v2=50%', '--window', '0', '--json', ...target],
    ]);
    const document = JSON.parse(stdout) as DiagnoseDocument;
    expect(document.causes).toMatchObject([
      { code: 'PROXY_STALE', object: expect.stringMatching(/^Pod\/pitstop\/webapp-/), field: 'istio-proxy' },
    ]);
    expect(document.causes[0]?.found).toMatch(/v1/);
    expect(document.looked).toContainEqual(
      expect.objectContaining({
        source: "callers' route tables",
        seen: true,
        detail: '0 of 1 hold what the objects compile to',
      }),
    );
    expect(code).toBe(1);
  });
});

describe('what callers hold, where their proxies cannot be asked', () => {
  let pitstop: PitstopLab;
  beforeAll(async () => {
    pitstop = await pitstopLab('even');
  });
  afterAll(() => pitstop.close());

  async function ask(ports: readonly number[], from = 'webapp') {
    const { client, close } = await restrictedClient(pitstop, ports);
    onTestFinished(close);
    await eventually(async () => {
      const pods = await client.list('v1', 'Pod', 'pitstop');
      expect(pods.filter((pod) => !isReady(pod))).toEqual([]);
    });
    return callerTables({
      client,
      scenario: { ...pitstop.scenario, from },
      readObjects: async () => (await readVisibleObjects(client, 'pitstop')).objects,
      clock: systemClock,
      signal: new AbortController().signal,
    });
  }

  it('istiod tells whether they are in sync', async () => {
    let routes: Awaited<ReturnType<typeof ask>>['routes'];
    await eventually(async () => {
      const tables = await ask([15000]);
      expect(tables.detail).toBe('istiod has 1 of 1 in sync');
      routes = tables.routes;
    });
    expect(routes).toMatchObject([{ pod: expect.stringMatching(/^webapp-/), current: true, why: '' }]);
  });

  it('and without istiod nobody does, which is said with both reasons', async () => {
    const { routes, detail } = await ask([15000, 15014]);
    expect(routes).toBeUndefined();
    expect(detail).toMatch(
      /^webapp-.*:15000 cannot be read by port-forward: .*; istiod's \/debug\/syncz cannot be read: /,
    );
  });

  it('a caller without pods holds nothing', async () => {
    const { routes, detail } = await ask([], 'nobody');
    expect([routes, detail]).toEqual([undefined, 'no ready pod of nobody with a sidecar is known']);
  });
});
