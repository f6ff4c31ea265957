import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConfigError } from '../../../src/base/errors.js';
import { millis } from '../../../src/base/units.js';
import { renderPlan } from '../../../src/load/k6/plan.js';
import { type Runners, renderTestRun, type TestRunInput } from '../../../src/load/k6/testRun.js';
import type { LoadSpec } from '../../../src/load/types.js';
import { type Cluster, startCluster } from '../../support/api-server.js';
import { SMALL } from '../../support/heavy.js';

const spec: LoadSpec = {
  ...SMALL,
  model: { kind: 'closed', users: 6, thinkTime: { kind: 'constant', ms: millis(100) } },
};

function rendered(runners: Partial<Runners> = {}, input: Partial<TestRunInput> = {}) {
  return renderTestRun({
    name: 'weighbridge-1',
    namespace: 'load',
    runId: 'r1',
    script: 'export default () => {}',
    plan: renderPlan(spec),
    writeUrl: 'http://prometheus.istio-system:9090/api/v1/write',
    pushSeconds: 1,
    runners: { parallelism: 3, image: 'grafana/k6:1.1.0', separate: false, sidecar: false, ...runners },
    ...input,
  });
}

const problemsOf = (make: () => unknown): ConfigError['problems'] => {
  try {
    make();
  } catch (error) {
    return (error as ConfigError).problems;
  }
  return [];
};

describe("checked by the API server against the operator's CustomResourceDefinition", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.call('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'load' },
    });
  });
  afterAll(() => cluster.close());

  test.each<[string, Partial<Runners>]>([
    ['as few options as there may be', {}],
    ['all options', { cpu: '500m', memory: '1Gi', separate: true, sidecar: true, secret: 'prometheus' }],
  ])('%s', async (name, runners) => {
    const { configMap, testRun } = rendered(runners, { name: `weighbridge-${name.length}` });
    const strict = '?fieldValidation=Strict&dryRun=All';
    const base = '/namespaces/load';
    expect(await cluster.call('POST', `/api/v1${base}/configmaps${strict}`, configMap)).toMatchObject({ status: 201 });
    const answer = await cluster.call('POST', `/apis/k6.io/v1alpha1${base}/testruns${strict}`, testRun);
    expect([answer.status, answer.json.message]).toEqual([201, undefined]);
  });
});

test('script and plan are keys of one ConfigMap, and the runners are told where they find the plan', () => {
  const { configMap, testRun } = rendered();
  expect(Object.keys(configMap.data as object)).toEqual(['script.js', 'plan.json']);
  expect(testRun.spec).toMatchObject({
    parallelism: 3,
    script: { configMap: { name: 'weighbridge-1', file: 'script.js' } },
    runner: {
      image: 'grafana/k6:1.1.0',
      env: expect.arrayContaining([
        { name: 'WEIGHBRIDGE_PLAN', value: '/test/plan.json' },
        { name: 'K6_PROMETHEUS_RW_PUSH_INTERVAL', value: '1s' },
      ]),
    },
  });
  // The init code runs in the initializer too, and the operator hands it no variables of the runner's.
  const { initializer, runner } = testRun.spec as { initializer: { env: unknown }; runner: { env: unknown } };
  expect(initializer.env).toEqual(runner.env);
  expect(testRun.spec).not.toHaveProperty('cleanup');
});

test.each<[string, Partial<Runners>, Record<string, unknown>]>([
  ['from outside the mesh, even where a namespace injects', {}, { 'sidecar.istio.io/inject': 'false' }],
  ['in the mesh', { sidecar: true }, { 'sidecar.istio.io/inject': 'true' }],
])('runners %s; initializer and starter never are in it', (_, runners, labels) => {
  const spec = rendered(runners).testRun.spec as Record<string, { metadata: { labels: object; annotations: object } }>;
  expect(spec.runner?.metadata.labels).toEqual(labels);
  expect(spec.initializer?.metadata.labels).toEqual({ 'sidecar.istio.io/inject': 'false' });
  expect(spec.starter?.metadata.labels).toEqual({ 'sidecar.istio.io/inject': 'false' });
  const reachable = { 'traffic.sidecar.istio.io/excludeInboundPorts': '6565' };
  if (runners.sidecar) expect(spec.runner?.metadata.annotations).toMatchObject(reachable);
});

test('memory is guaranteed and limited, CPU is guaranteed only', () => {
  const { runner } = rendered({ cpu: '2', memory: '1Gi' }).testRun.spec as { runner: { resources: unknown } };
  expect(runner.resources).toEqual({ requests: { cpu: '2', memory: '1Gi' }, limits: { memory: '1Gi' } });
});

test('what does not fit into a ConfigMap is refused with its size, to the byte', () => {
  const plan = renderPlan(spec);
  const rest = 2 ** 20 - JSON.stringify(plan).length - 'script.js'.length - 'plan.json'.length;
  expect(problemsOf(() => rendered({}, { script: 'x'.repeat(rest) }))).toEqual([]);
  expect(problemsOf(() => rendered({}, { script: 'x'.repeat(rest + 1) }))).toMatchObject([
    { path: '--uris', message: expect.stringContaining('do not fit into a ConfigMap') },
  ]);
  // Bytes count, not characters.
  expect(problemsOf(() => rendered({}, { script: 'ü'.repeat(rest / 2 + 1) }))).toHaveLength(1);
});

test.each<[string, LoadSpec['model'], number]>([
  ['users', { kind: 'closed', users: 6, thinkTime: { kind: 'constant', ms: millis(0) } }, 6],
  [
    'the peak of stages',
    { kind: 'closed', users: 0, thinkTime: { kind: 'constant', ms: millis(0) }, stages: [{ ms: millis(1000), to: 4 }] },
    4,
  ],
  ['arrivals in flight', { kind: 'open', ratePerSecond: 5, arrivals: 'constant', maxInFlight: 7 }, 7],
])('%s: no more runners than that', (_, model, most) => {
  const plan = renderPlan({ ...spec, model });
  expect(problemsOf(() => rendered({ parallelism: most }, { plan }))).toEqual([]);
  expect(problemsOf(() => rendered({ parallelism: most + 1 }, { plan }))).toMatchObject([
    { path: '--parallelism', hint: `at most --parallelism ${most} here` },
  ]);
});
