import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { say } from '../../support/io.js';

const LOAD = ['load', 'http://web.shop/', '--users', '2', '--duration', '2s'];
const CLUSTER = ['--engine', 'k6', '--target', 'cluster'];

test.each<[string, string[], RegExp]>([
  ['another engine', ['--target', 'cluster'], /--target: only k6 sends from a cluster, not node/],
  ['options of runners without a cluster', ['--parallelism', '3', '--sidecar'], /--parallelism.*\n.*\n--sidecar/],
  ['a k6 of this machine', [...CLUSTER, '--k6', '/usr/bin/k6'], /--k6: is for a k6 on this machine/],
  [
    'more runners than users',
    [...CLUSTER, '--parallelism', '3', '--dry-run'],
    /3 runners have 2 users.*\n.*at most --parallelism 2/,
  ],
  ['what k6 cannot do', [...CLUSTER, '--dry-run', '--follow-redirects'], /follow-redirects/],
  [
    'an amount that Kubernetes does not know',
    [...CLUSTER, '--runner-memory', '1 GB'],
    /quantity such as 500m, 2 or 1Gi/,
  ],
])('%s: refused with exit code 3', async (_, args, message) => {
  const { code, stdout, stderr } = await say([...LOAD, ...args]);
  expect([code, stdout]).toEqual([3, '']);
  expect(stderr).toMatch(message);
});

test('--dry-run prints two manifests, for kubectl apply', async () => {
  const { code, stdout } = await say([...LOAD, ...CLUSTER, '--dry-run', '--namespace', 'load', '--runner-cpu', '2']);
  expect(code).toBe(0);
  const [configMap, testRun] = stdout.split('---\n').map((text) => parse(text));
  expect(configMap).toMatchObject({ kind: 'ConfigMap', metadata: { namespace: 'load' } });
  expect(JSON.parse(configMap.data['plan.json'])).toMatchObject({ requests: [{ url: 'http://web.shop/' }] });
  expect(testRun).toMatchObject({ kind: 'TestRun', spec: { runner: { resources: { requests: { cpu: '2' } } } } });
});
