import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectCluster } from '../../../src/cluster/client.js';
import { type LabAddresses, start, startedLab, type Workspace, weighbridge, workspace } from '../../support/cli.js';
import { compared } from '../../support/comparisons.js';
import { findPeer } from '../../support/peers.js';
import { eventually } from '../../support/poll.js';
import { realEnvoy } from '../../support/realEnvoy.js';

const envoy = await realEnvoy();
const k6 = findPeer('k6');
// The lab is a process of its own, and looks for its k6 by itself.
if (k6) process.env.WEIGHBRIDGE_K6 = k6;

const LOAD = [
  ...['load', '--engine', 'k6', '--target', 'cluster', '--parallelism', '3', '--namespace', 'pitstop'],
  ...['--uris', 'list.txt', '--base-url', 'http://webapp:7005', '--users', '6', '--think-time', '20ms..80ms'],
];
const at = ({ kubeconfig, prometheusUrl }: LabAddresses) => [
  ...['--kubeconfig', kubeconfig, '--prometheus-url', prometheusUrl],
];

interface HeavyDocument {
  readonly requests: number;
  readonly failed: number;
  readonly generator: { readonly valid: boolean; readonly reason?: string };
}

async function lab(...args: string[]): Promise<{ space: Workspace; lab: LabAddresses }> {
  const space = workspace();
  writeFileSync(join(space.dir, 'list.txt'), '/\n/CustomerManagement weight=2\n');
  return { space, lab: await startedLab(space, args) };
}

async function webappCount(addresses: LabAddresses): Promise<number> {
  const counts = await counted(
    addresses,
    'destination_workload',
    'reporter="destination",destination_workload="webapp"',
  );
  return counts.webapp ?? 0;
}

/** Requests of some proxies by one label. */
async function counted({ prometheusUrl }: LabAddresses, by: string, where: string): Promise<Record<string, number>> {
  const query = `sum by (${by}) (istio_requests_total{${where}})`;
  const answer = await fetch(`${prometheusUrl}/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = (await answer.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return Object.fromEntries(data.result.map(({ metric, value }) => [metric[by] ?? '', Number(value[1])]));
}

/** What a load creates, and what the operator makes of it. */
async function left({ kubeconfig }: LabAddresses): Promise<string[]> {
  const client = await connectCluster({ kubeconfig });
  const kinds = [
    ['k6.io/v1alpha1', 'TestRun'],
    ['batch/v1', 'Job'],
    ['v1', 'ConfigMap'],
    ['coordination.k8s.io/v1', 'Lease'],
  ] as const;
  const lists = await Promise.all(kinds.map(([apiVersion, kind]) => client.list(apiVersion, kind, 'pitstop')));
  return lists.flat().map(({ kind, metadata }) => `${kind}/${metadata.name}`);
}

describe.skipIf(!k6)('load from the pods of a cluster', () => {
  test('ends with 0 and one document; its requests are those that the web application counted', async () => {
    const { space, lab: addresses } = await lab();
    const { code, stdout, stderr } = await weighbridge(
      [...LOAD, ...at(addresses), '--duration', '3s', '--json'],
      space.dir,
    );
    expect(stderr).toContain('all runners send');
    const document = JSON.parse(stdout) as HeavyDocument;
    expect(document).toMatchObject({
      failed: 0,
      engine: 'k6',
      target: 'cluster',
      runners: [1, 2, 3].map((index) => ({ index, exitCode: 0, complete: true })),
    });
    // Others may have the cores of a busy machine: then, and only then, the load calls itself invalid.
    const { valid, reason = '' } = document.generator;
    expect([code, reason]).toEqual(valid ? [0, ''] : [2, expect.stringContaining('think time was over')]);
    await eventually(async () => expect(await webappCount(addresses)).toBe(document.requests));
    expect(await left(addresses)).toEqual([]);
    expect(readdirSync(join(space.dir, 'reports'))).toEqual([]);
  });

  const planes = ['node', ...(envoy ? ['envoy'] : [])];
  test.each(planes)('--sidecar: the routes of the mesh apply to what the runners send (%s)', async (dataplane) => {
    // The stage before the last has left the canary's routes.
    const { space, lab: addresses } = await lab('--dataplane', dataplane, '--before-stage', 'even');
    const direct = LOAD.map((word) => (word === 'http://webapp:7005' ? 'http://customermanagementapi:5100' : word));
    writeFileSync(join(space.dir, 'list.txt'), '/api/customers\n');
    const { code, stdout, stderr } = await weighbridge(
      [...direct, '--sidecar', ...at(addresses), '--duration', '6s', '--json'],
      space.dir,
    );
    const { requests, failed, generator } = JSON.parse(stdout) as HeavyDocument;
    expect([code, failed], stderr).toEqual([generator.valid ? 0 : 2, 0]);
    expect(requests).toBeGreaterThan(300);
    // The runners' own proxies are gone with their pods; what they decided is where the requests arrived.
    const arrived = 'reporter="destination",destination_service_name="customermanagementapi"';
    await eventually(async () => {
      const { v1 = 0, v2 = 0, ...others } = await counted(addresses, 'destination_version', arrived);
      expect([v1 + v2, others]).toEqual([requests, {}]);
      // Five standard deviations.
      expect(Math.abs(v2 - requests * 0.1)).toBeLessThan(5 * Math.sqrt(requests * 0.09));
    });
    expect(await counted(addresses, 'connection_security_policy', arrived)).toEqual({ mutual_tls: requests });
    expect(await left(addresses)).toEqual([]);
    compared('k6');
    if (dataplane === 'envoy') compared('envoy');
  });

  test('Ctrl-C ends with 130, tells what was counted and leaves nothing; a kill leaves what `restore` deletes', async () => {
    const { space, lab: addresses } = await lab();
    const stopped = start([...LOAD, ...at(addresses), '--duration', '5m', '--json'], space.dir);
    await stopped.printed(/all runners send/);
    stopped.child.kill('SIGINT');
    const { code, stdout } = await stopped.finished;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ generator: { valid: false, reason: 'interrupted' } });
    expect(await left(addresses)).toEqual([]);

    const killed = start([...LOAD, ...at(addresses), '--duration', '5m'], space.dir);
    await killed.printed(/all runners send/);
    killed.child.kill('SIGKILL');
    await killed.finished;
    expect((await left(addresses)).length).toBeGreaterThan(0);
    const restored = await weighbridge(['restore', '--kubeconfig', addresses.kubeconfig], space.dir);
    expect([restored.code, restored.stdout]).toEqual([0, expect.stringContaining('deleted   TestRun/pitstop/')]);
    await eventually(async () => expect(await left(addresses)).toEqual([]));
  });

  test('--dry-run prints manifests and touches nothing', async () => {
    const space = workspace();
    writeFileSync(join(space.dir, 'list.txt'), '/\n');
    const { code, stdout } = await weighbridge([...LOAD, '--duration', '3s', '--dry-run', '--json'], space.dir);
    expect([code, existsSync(join(space.dir, 'reports'))]).toEqual([0, false]);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'List',
      items: [{ kind: 'ConfigMap' }, { kind: 'TestRun', metadata: { namespace: 'pitstop' }, spec: { parallelism: 3 } }],
    });
  });
});
