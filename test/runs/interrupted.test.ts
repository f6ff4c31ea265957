import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { objectRef } from '../../src/base/kubernetes.js';
import { connectCluster } from '../../src/cluster/client.js';
import { withoutVolatile } from '../../src/cluster/objects.js';
import {
  clusterOptions,
  type LabAddresses,
  SCENARIO,
  smallLoad,
  start,
  startedLab,
  weighbridge,
} from '../support/cli.js';

const KINDS = [
  ['v1', 'Namespace'],
  ['v1', 'Service'],
  ['v1', 'ConfigMap'],
  ['apps/v1', 'Deployment'],
  ['coordination.k8s.io/v1', 'Lease'],
  ['networking.istio.io/v1', 'VirtualService'],
  ['networking.istio.io/v1', 'DestinationRule'],
] as const;

/** Every object that a run could touch, without what the API server writes by itself. */
async function snapshot({ kubeconfig }: LabAddresses): Promise<Record<string, unknown>> {
  const client = await connectCluster({ kubeconfig });
  const lists = await Promise.all(KINDS.map(([apiVersion, kind]) => client.list(apiVersion, kind)));
  return Object.fromEntries(lists.flat().map((object) => [objectRef(object), withoutVolatile(object)]));
}

describe('an interrupted run', () => {
  it('puts the cluster back on Ctrl-C in the mirror stage, writes every report and leaves with 130', async () => {
    const space = smallLoad();
    const lab = await startedLab(space);
    const before = await snapshot(lab);
    const run = start(['run', SCENARIO, '--seed', '3', ...clusterOptions(lab)], space.dir);
    await run.printed(/mirror arrived/);
    expect(await snapshot(lab)).not.toEqual(before);
    run.child.kill('SIGINT');
    const { code, stderr } = await run.finished;
    expect(code, stderr).toBe(130);
    expect(await snapshot(lab)).toEqual(before);
    for (const file of ['journal.ndjson', 'report.json', 'index.html', 'junit.xml', 'summary.md']) {
      expect(existsSync(join(space.dir, 'reports/latest', file)), file).toBe(true);
    }
    expect(space.report().exitCode).toBe(130);
  });

  it('is undone by `restore`, or by the next run, after it was killed', async () => {
    const space = smallLoad();
    const lab = await startedLab(space);
    const before = await snapshot(lab);
    const killInMirror = async () => {
      const run = start(['run', SCENARIO, '--seed', '3', ...clusterOptions(lab)], space.dir);
      await run.printed(/mirror arrived/);
      run.child.kill('SIGKILL');
      await run.finished;
      expect(await snapshot(lab)).not.toEqual(before);
    };

    await killInMirror();
    const restore = await weighbridge(['restore', '--kubeconfig', lab.kubeconfig], space.dir);
    expect(restore.code, restore.stderr).toBe(0);
    expect(restore.stdout).toMatch(/deleted +VirtualService\/pitstop\/customermanagementapi/);
    expect(await snapshot(lab)).toEqual(before);
    expect((await weighbridge(['restore', '--kubeconfig', lab.kubeconfig], space.dir)).stdout).toMatch(
      /nothing to restore/,
    );

    await killInMirror();
    const next = await weighbridge(
      ['run', SCENARIO, '--stage', 'v1-only', '--seed', '4', ...clusterOptions(lab)],
      space.dir,
    );
    expect(next.code, next.stderr).toBe(0);
    expect(await snapshot(lab)).toEqual(before);
  });
});
