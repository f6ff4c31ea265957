import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { type Lab, startLab } from '../../../src/lab/lab.js';
import { type StandInScript, standInK6, testRunOf } from '../../support/k6.js';
import { eventually } from '../../support/poll.js';

let lab: Lab;
afterEach(() => lab.close());

interface Options {
  readonly spec?: Record<string, unknown>;
  readonly objects?: readonly KubeObject[];
  readonly k6?: string | undefined;
}

/** A lab with a TestRun, and the stages that it went through. */
async function run(script: StandInScript, { spec, objects = [], ...options }: Options = {}): Promise<string[]> {
  const k6 = 'k6' in options ? options.k6 : standInK6();
  lab = await startLab({ objects: [], apps: {}, propagationMs: 20, scrapeIntervalMs: 60_000, k6 });
  const stages: string[] = [];
  lab.store.subscribe(({ resource, object }) => {
    const stage = String(object.status?.stage ?? '');
    if (resource === 'testruns.k6.io' && stage !== '' && stages.at(-1) !== stage) stages.push(stage);
  });
  for (const object of [...objects, ...testRunOf(script, spec)]) expect(await create(object)).toBe(201);
  return stages;
}

async function create(object: KubeObject): Promise<number> {
  const plural = `${object.kind.toLowerCase()}s`;
  const base = object.apiVersion === 'v1' ? '/api/v1' : `/apis/${object.apiVersion}`;
  const scope = object.metadata.namespace ? `/namespaces/${object.metadata.namespace}` : '';
  const answer = await fetch(`${lab.apiUrl}${base}${scope}/${plural}?fieldValidation=Strict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(object),
  });
  return answer.status;
}

const stage = () => lab.store.get('testruns.k6.io', 'load', 'load')?.status?.stage;
const jobs = () =>
  lab.store
    .list('jobs.batch', 'load')
    .map(({ metadata, status }) => [metadata.name, status?.succeeded, status?.failed]);
const podOf = (job: string) =>
  lab.store.list('pods', 'load').find(({ metadata }) => metadata.labels?.['job-name'] === job);
const stateOf = (job: string) =>
  (podOf(job)?.status?.containerStatuses as { state: Record<string, Record<string, unknown>> }[] | undefined)?.[0]
    ?.state;

const left = () => ['jobs.batch', 'pods', 'services'].flatMap((resource) => lab.store.list(resource, 'load'));

async function logOf(job: string): Promise<string> {
  return (
    await fetch(`${lab.apiUrl}/api/v1/namespaces/load/pods/${podOf(job)?.metadata.name}/log?container=k6`)
  ).text();
}
const told = async (job: string, what: string) =>
  JSON.parse(
    (await logOf(job))
      .split('\n')
      .find((line) => line.startsWith(`${what} `))
      ?.slice(what.length + 1) ?? 'null',
  );

test('a TestRun goes through its stages; runners wait for each other and end with their exit codes', async () => {
  const stages = await run({ exit: 0, prints: 'the end' });
  await eventually(() => expect(stage()).toBe('finished'));
  expect(stages).toEqual(['initialization', 'initialized', 'created', 'started', 'stopped', 'finished']);
  await eventually(() =>
    expect(jobs()).toEqual([
      ['load-initializer', 1, undefined],
      ['load-1', 1, undefined],
      ['load-2', 1, undefined],
      ['load-starter', 1, undefined],
    ]),
  );
  expect(stateOf('load-1')).toEqual({ terminated: expect.objectContaining({ exitCode: 0, reason: 'Completed' }) });
  expect(podOf('load-2')?.status?.phase).toBe('Succeeded');
  expect(await logOf('load-1')).toContain('the end');
});

test('runners get their segment, arguments, tags and files; paths and ports are those of this machine', async () => {
  await run({ exit: 0 });
  await eventually(() => expect(stage()).toBe('finished'));
  const args = (await told('load-2', 'ARGS')) as string[];
  expect(args.slice(2).map((word) => word.replace(/^.*(?=\/test\/)/, '').replace(/:\d{4,}/, ':port'))).toEqual([
    'run',
    '--quiet',
    '--execution-segment=1/2:1',
    '--execution-segment-sequence=0,1/2,1',
    ...['--tag', 'testid=r1', '--out', 'x'],
    '/test/script.js',
    '--address=127.0.0.1:port',
    '--paused',
    ...['--tag', 'instance_id=2', '--tag', 'testrun_name=load'],
  ]);
  const { PLAN } = (await told('load-2', 'ENV')) as { PLAN: string };
  expect(PLAN).toMatch(/\/test\/plan\.json$/);
  // With the process its folder is gone.
  await eventually(() => expect(existsSync(dirname(PLAN))).toBe(false));
});

test('names of Services lead to where the lab serves them, and the add-on Prometheus is its own', async () => {
  const service: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 7005 }] },
  };
  const env = [{ name: 'K6_PROMETHEUS_RW_SERVER_URL', value: 'http://prometheus.istio-system:9090/api/v1/write' }];
  await run({ exit: 0 }, { objects: [service], spec: { runner: { image: 'k6', env } } });
  await eventually(() => expect(stage()).toBe('finished'));
  const { hosts } = (await told('load-1', 'CONFIG')) as { hosts: Record<string, string> };
  expect(hosts['web.default:7005']).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(hosts['web.default.svc.cluster.local:7005']).toBe(hosts['web.default:7005']);
  // From another namespace the bare name means nothing.
  expect(hosts['web:7005']).toBeUndefined();
  expect(await told('load-1', 'ENV')).toMatchObject({
    K6_PROMETHEUS_RW_SERVER_URL: `${lab.prometheusUrl}/api/v1/write`,
  });
});

test('a runner that fails does not change the stage, as in reality', async () => {
  await run({ exit: 99 });
  await eventually(() => expect(stage()).toBe('finished'));
  expect(stateOf('load-1')).toMatchObject({ terminated: { exitCode: 99, reason: 'Error' } });
  expect(jobs()).toContainEqual(['load-1', undefined, 1]);
});

test.each([
  ['a script that throws', { throws: 'no such thing' }],
  ['fewer users than runners', { maxVUs: 1 }],
])('%s ends in the stage error, and no runner is made', async (_, script) => {
  await run(script);
  await eventually(() => expect(stage()).toBe('error'));
  expect(podOf('load-1')).toBeUndefined();
  expect(await logOf('load-initializer')).toContain('throws' in script ? 'no such thing' : 'maxVUs');
});

test.each([
  ['an image that is not k6', { spec: { runner: { image: 'nowhere/other:1' } } }, /ErrImagePull/],
  ['no k6 on this machine', { k6: undefined }, /ErrImagePull/],
  [
    'a Secret that is not there',
    { spec: { runner: { image: 'k6', envFrom: [{ secretRef: { name: 'no' } }] } } },
    /CreateContainerConfigError/,
  ],
])('%s: the pod waits for ever', async (_, options, reason) => {
  await run({ exit: 0 }, options);
  await eventually(() => expect(stateOf('load-initializer')?.waiting?.reason).toMatch(reason));
  expect(podOf('load-initializer')?.status?.phase).toBe('Pending');
  expect(stage()).toBe('initialization');
});

test('deleting the TestRun ends its processes and removes what it owned', async () => {
  await run({});
  await eventually(() => expect(stage()).toBe('started'));
  const { PLAN } = (await told('load-1', 'ENV')) as { PLAN: string };
  await fetch(`${lab.apiUrl}/apis/k6.io/v1alpha1/namespaces/load/testruns/load`, { method: 'DELETE' });
  await eventually(() => expect(left()).toEqual([]));
  expect(existsSync(dirname(PLAN))).toBe(false);
});

test('with `cleanup: post` a finished TestRun removes itself, and with it what a gate would need', async () => {
  const stages = await run({ exit: 0 }, { spec: { cleanup: 'post' } });
  await eventually(() => expect(stages).toContain('finished'));
  await eventually(() => expect([stage(), ...left()]).toEqual([undefined]));
});

test.each([
  ['an unknown field', { paralelism: 2 }, 400],
  ['a number for a text', { quiet: false }, 422],
  ['another cleanup', { cleanup: 'pre' }, 422],
  ['a ConfigMap without a name', { script: { configMap: { file: 'x.js' } } }, 422],
  ['no parallelism', { parallelism: null }, 422],
])('the API refuses %s, as the CustomResourceDefinition does', async (_, spec, status) => {
  await run({ exit: 0 });
  const [, , testRun] = testRunOf({}, spec);
  expect(await create({ ...testRun!, metadata: { name: 'other', namespace: 'load' } })).toBe(status);
});
