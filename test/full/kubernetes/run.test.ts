import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { $ } from 'zx';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { objectRef } from '../../../src/base/kubernetes.js';
import { connectCluster } from '../../../src/cluster/client.js';
import { withoutVolatile } from '../../../src/cluster/objects.js';
import { defineCustomResources } from '../../support/apiTargets.js';
import {
  clusterOptions,
  SCENARIO,
  smallLoad,
  sound,
  start,
  startedLab,
  type Workspace,
  weighbridge,
} from '../../support/cli.js';
import { compared } from '../../support/comparisons.js';
import { hasKubernetes, type RealApiServer, startRealApiServer } from '../../support/kubeApiserver.js';
import { findPeer } from '../../support/peers.js';

const STAGES = ['v1-only', 'dark', 'mirror', 'canary', 'even'];
const CHANGED = [
  ['apps/v1', 'Deployment'],
  ['v1', 'Service'],
  ['v1', 'ConfigMap'],
  ['coordination.k8s.io/v1', 'Lease'],
  ['networking.istio.io/v1', 'VirtualService'],
  ['networking.istio.io/v1', 'DestinationRule'],
] as const;

/** With the 4 s that the server takes to start, less than a lease of the run lasts. */
const OUTAGE_MS = 3000;

/** `run` against a real kube-apiserver over etcd, whose controllers, kubelet and mesh the lab plays. */
describe.skipIf(!hasKubernetes())('a release on a real kube-apiserver', () => {
  let server: RealApiServer;
  beforeAll(async () => {
    server = await startRealApiServer();
    await defineCustomResources(server);
  }, 120_000);
  afterAll(() => server?.stop());

  /** Every object of the namespace that a run could touch, by name, without what the server writes by itself. */
  async function snapshot(): Promise<Record<string, KubeObject>> {
    const client = await connectCluster({ kubeconfig: server.kubeconfig });
    const lists = await Promise.all(CHANGED.map(([apiVersion, kind]) => client.list(apiVersion, kind, 'pitstop')));
    return Object.fromEntries(lists.flat().map((object) => [objectRef(object), withoutVolatile(object)]));
  }

  const labFor = (space: Workspace) => startedLab(space, ['--kubeconfig', server.kubeconfig]);
  const share = (space: Workspace, stage: string) =>
    space
      .report()
      .stages.find(({ name }) => name === stage)
      ?.checks.find(({ name, vantagePoint }) => name === 'share:v2' && vantagePoint === 'source')?.observed?.share;

  it('walks all stages of Pitstop, goes on when the API server is killed and comes back, and puts the cluster back', async () => {
    const space = smallLoad();
    const lab = await labFor(space);
    const before = await snapshot();
    const walk = async () => {
      const run = start(['run', SCENARIO, '--seed', '7', ...clusterOptions(lab)], space.dir);
      await run.printed(/canary started/);
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
      await server.restart();
      return run.finished;
    };
    const { code, stderr } = await sound(space, walk);
    expect(code, stderr).toBe(0);
    expect(space.report().stages.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
      STAGES.map((name) => `${name} pass`),
    );
    // By port-forward through the API server to the lab's kubelet.
    for (const stage of STAGES) expect(stderr).toMatch(new RegExp(`${stage} arrived in .* \\(config-dump\\)`));
    expect(stderr).toMatch(/canary waits: the Kubernetes API server .* does not answer/);
    expect(share(space, 'canary')).toBeLessThan(0.14);
    expect(await snapshot()).toEqual(before);
    compared('kube-apiserver', STAGES.length);
    lab.lab.child.kill('SIGTERM');
    await lab.lab.finished;
  });

  const kubectl = findPeer('kubectl');
  it.skipIf(!kubectl)('sees what kubectl does there: another weight fails, with its cause', async () => {
    const space = smallLoad();
    const lab = await labFor(space);
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', /weight: 90/, 'weight: 75');
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', /weight: 10/, 'weight: 25');
    const files = ['v2', 'dr', 'svc-open', 'canary'].flatMap((part) => [
      '-f',
      join(space.dir, `scenarios/pitstop/customermanagementapi-${part}.yaml`),
    ]);
    await $({ quiet: true })`${kubectl ?? ''} --kubeconfig ${server.kubeconfig} apply ${files}`;
    await $({
      quiet: true,
    })`${kubectl ?? ''} --kubeconfig ${server.kubeconfig} -n pitstop rollout status deployment/customermanagementapi-v2 --timeout=60s`;
    const { code, stderr } = await weighbridge(
      ['run', SCENARIO, '--stage', 'canary', '--seed', '7', ...clusterOptions(lab)],
      space.dir,
    );
    expect(code, stderr).toBe(1);
    const [stage] = space.report().stages;
    expect(stage?.causes.map((cause) => cause.code)).toContain('WEIGHT_DIFFERS');
    compared('kubectl');
    compared('kube-apiserver');
    await $({ quiet: true })`${kubectl ?? ''} --kubeconfig ${server.kubeconfig} delete ${files}`.nothrow();
    lab.lab.child.kill('SIGTERM');
    await lab.lab.finished;
  });

  it('ends with exit code 4 when it stays away, and is restored from the list on disk when it is back', async () => {
    const space = smallLoad();
    const lab = await labFor(space);
    const before = await snapshot();
    const run = start(['run', SCENARIO, '--seed', '7', ...clusterOptions(lab)], space.dir);
    await run.printed(/mirror arrived/);
    await server.kill();
    const { code, stderr } = await run.finished;
    expect(code, stderr).toBe(4);
    expect(stderr).toContain('does not answer');
    expect(space.report().exitCode).toBe(4);
    await server.restart();
    const restored = await weighbridge(['restore', '--kubeconfig', server.kubeconfig], space.dir);
    expect(restored.code, restored.stderr).toBe(0);
    expect(await snapshot()).toEqual(before);
    compared('kube-apiserver');
    lab.lab.child.kill('SIGTERM');
    await lab.lab.finished;
  });
});
