import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { takeLease } from '../../src/cluster/lease.js';
import { testCluster } from '../support/cluster.js';

const never = () => {};
const key = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: 'demo', name: 'weighbridge' };
const held = (holder: string, ageMs: number) => ({
  apiVersion: key.apiVersion,
  kind: key.kind,
  metadata: { name: key.name, namespace: key.namespace },
  spec: {
    holderIdentity: holder,
    leaseDurationSeconds: 30,
    renewTime: new Date(Date.now() - ageMs).toISOString().replace('Z', '000Z'),
  },
});

describe('the lease', () => {
  it('keeps a second run out while the first holds it, and is gone when released', async () => {
    const { client } = await testCluster();
    const lease = await takeLease(client, 'demo', 'run-1', systemClock, never);
    await expect(takeLease(client, 'demo', 'run-2', systemClock, never)).rejects.toMatchObject({
      code: 'E_LEASE',
      exitCode: 4,
    });
    await lease.release();
    expect(await client.get(key)).toBeUndefined();
    await (await takeLease(client, 'demo', 'run-2', systemClock, never)).release();
  });

  it.each([
    ['a holder on another machine that has renewed in time keeps it', held('elsewhere/1/run-0', 5_000), false],
    ['a holder on another machine that has gone silent loses it', held('elsewhere/1/run-0', 60_000), true],
    [
      'a holder on this machine whose process is gone loses it at once',
      held(`${hostname()}/4194304/run-0`, 1_000),
      true,
    ],
    ['a lease without a sign of life is free', { ...held('elsewhere/1/run-0', 0), spec: {} }, true],
  ])('%s', async (_sentence, existing, free) => {
    const { client } = await testCluster();
    await client.create(existing);
    const attempt = takeLease(client, 'demo', 'run-1', systemClock, never);
    if (free) await (await attempt).release();
    else await expect(attempt).rejects.toThrow(/another run \(elsewhere\/1\/run-0\)/);
  });
});
