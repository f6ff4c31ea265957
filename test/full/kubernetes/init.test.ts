import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { connectCluster } from '../../../src/cluster/client.js';
import { defineCustomResources } from '../../support/apiTargets.js';
import { bookinfo } from '../../support/bookinfo.js';
import { start, weighbridge, workspace } from '../../support/cli.js';
import { compared } from '../../support/comparisons.js';
import { hasKubernetes, type RealApiServer, startRealApiServer } from '../../support/kubeApiserver.js';
import { eventually } from '../../support/poll.js';

const to = (subset: string, weight: number) => `{destination: {host: reviews, subset: ${subset}}, weight: ${weight}}`;

/** The right to read one namespace, for the user `reader`. */
const granted = (namespace: string): KubeObject[] => [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'read', namespace },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'read', namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'read' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'reader' }],
  },
];

describe.skipIf(!hasKubernetes())('init on a namespace of a real kube-apiserver', () => {
  let server: RealApiServer;
  beforeAll(async () => {
    server = await startRealApiServer();
    await defineCustomResources(server);
  }, 120_000);
  afterAll(() => server?.stop());

  it('writes the same release as from the files that were applied, and changes nothing', async () => {
    const space = workspace();
    for (const [name, text] of Object.entries(bookinfo(`[{route: [${to('v1', 80)}, ${to('v2', 20)}]}]`)))
      writeFileSync(join(space.dir, name), text);
    const lab = start(['lab', '-f', '.', '--kubeconfig', server.kubeconfig], space.dir);
    await lab.printed(/the lab is up/);
    const client = await connectCluster({ kubeconfig: server.kubeconfig });
    const available = async () =>
      (await client.list('apps/v1', 'Deployment', 'default')).map(({ status }) => status?.availableReplicas);
    await eventually(async () => expect(await available()).toEqual([1, 1, 1, 1, 1, 1]), 30_000);

    const rules = async () =>
      (await client.list('networking.istio.io/v1', 'VirtualService', 'default')).map(
        ({ metadata }) => metadata.resourceVersion,
      );
    const before = await rules();
    const live = ['init', '--kubeconfig', server.kubeconfig, '--context', 'real', '--dir', 'live'];
    expect(await weighbridge(live, space.dir)).toMatchObject({ code: 0, stderr: '' });
    expect(await weighbridge(['init', '-f', '.', '--dir', 'files'], space.dir)).toMatchObject({ code: 0 });
    expect(await rules()).toEqual(before);

    const scenario = (dir: string) => parse(readFileSync(join(space.dir, dir, 'reviews-canary/scenario.yaml'), 'utf8'));
    expect(scenario('live')).toEqual(scenario('files'));
    expect(scenario('live').stages.map(({ name }: { name: string }) => name)).toEqual(['present', 'to-50', 'to-100']);
    expect(await weighbridge(['plan', 'live/reviews-canary'], space.dir)).toMatchObject({ code: 0 });
    for (const object of granted('default')) await client.create(object);
    const reader = ['init', '--kubeconfig', server.readerKubeconfig, '--dir', 'reader'];
    const { code, stderr } = await weighbridge(reader, space.dir);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^not read: other namespaces than default of Service, .*forbidden/m),
    ]);
    expect(scenario('reader')).toEqual(scenario('files'));
    const elsewhere = await weighbridge([...live, '--namespace', 'kube-system'], space.dir);
    expect([elsewhere.code, elsewhere.stderr]).toEqual([
      3,
      expect.stringContaining('no Service has pods of two versions'),
    ]);
    compared('kube-apiserver', 3);
    lab.child.kill('SIGTERM');
    await lab.finished;
  });
});
