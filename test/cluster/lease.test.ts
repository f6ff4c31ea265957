import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { takeLease } from '../../src/cluster/lease.js';
import { ManualClock } from '../support/clock.js';
import { testCluster } from '../support/cluster.js';
import { eventually } from '../support/poll.js';
import { restrictedClient } from '../support/release.js';

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

  it.each([
    ['somebody else has taken it', 'replace', /elsewhere\/1\/run-9 has taken it/],
    ['it was deleted', 'remove', /it was deleted/],
  ] as const)('is lost when %s', async (_sentence, how, reason) => {
    const { client } = await testCluster();
    const clock = new ManualClock(Date.now());
    const lost: string[] = [];
    const lease = await takeLease(client, 'demo', 'run-1', clock, (why) => lost.push(why));
    const live = await client.get(key);
    if (how === 'remove') await client.remove(key);
    else await client.replace({ ...live!, spec: held('elsewhere/1/run-9', 0).spec });
    await clock.advance(10_000);
    await eventually(() => expect(lost).toEqual([expect.stringMatching(reason)]));
    await lease.release();
    // What belongs to another stays.
    if (how === 'replace') expect(await client.get(key)).toBeDefined();
  });

  it('is renewed every 10 s, and is lost once it could not be renewed for 30 s', async () => {
    const cluster = await testCluster();
    const renewedAt = async () => (await cluster.client.get(key))?.spec?.renewTime;
    const { client, close } = await restrictedClient(cluster, []);
    const clock = new ManualClock(Date.now());
    const lost: string[] = [];
    const lease = await takeLease(client, 'demo', 'run-1', clock, (why) => lost.push(why));
    const first = await renewedAt();
    await clock.advance(10_000);
    await eventually(async () => expect(await renewedAt()).not.toBe(first));
    await close();
    await eventually(async () => {
      await clock.advance(5000);
      expect(lost).toHaveLength(1);
    });
    expect(clock.now()).toBeGreaterThanOrEqual(40_000);
    expect(lost[0]).toMatch(/could not be renewed: .*does not answer/);
    await expect(lease.release()).rejects.toThrow(/does not answer/);
  });

  it('names the missing right when leases may not be written', async () => {
    const { client } = await testCluster();
    await expect(takeLease(client, 'Nowhere', 'run-1', systemClock, never)).rejects.toMatchObject({ code: 'E_LEASE' });
  });
});
