import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../src/base/errors.js';
import { ApiError } from '../../src/cluster/client.js';
import { Patience } from '../../src/cluster/patience.js';
import { ManualClock } from '../support/clock.js';

const silent = () => new EnvironmentError('E_CLUSTER', 'nobody answers', '');

/** Fails with the errors in turn, then answers. */
function failing(...errors: Error[]) {
  const asked = { times: 0 };
  return {
    asked,
    operation: async () => {
      asked.times += 1;
      const error = errors.shift();
      if (error) throw error;
      return 'done';
    },
  };
}

async function advancing<T>(clock: ManualClock, result: Promise<T>): Promise<T> {
  let settled = false;
  const end = () => {
    settled = true;
  };
  result.then(end, end);
  while (!settled) await clock.advance(250);
  return result;
}

describe('patience with an API server', () => {
  it.each([
    ['that does not answer', silent()],
    ['that is overloaded', new ApiError(429, 'TooManyRequests', 'later')],
    ['that has lost its leader', new ApiError(500, 'InternalError', 'etcdserver: leader changed')],
    ['that has just started', new ApiError(503, 'ServiceUnavailable', 'not yet')],
  ])('repeats what is asked of one %s', async (_sentence, error) => {
    const clock = new ManualClock(0);
    const told: string[] = [];
    const { asked, operation } = failing(error, error, error);
    const patience = new Patience({ clock, waiting: (why) => told.push(why) });
    expect(await advancing(clock, patience.with(operation))).toBe('done');
    expect(asked.times).toBe(4);
    expect(told).toEqual([error.message]);
  });

  it.each([
    ['a refusal', new ApiError(422, 'Invalid', 'no')],
    ['a conflict', new ApiError(409, 'Conflict', 'no')],
    ['another error', new Error('no')],
  ])('does not repeat %s', async (_sentence, error) => {
    const { asked, operation } = failing(error);
    await expect(new Patience({ clock: new ManualClock(0) }).with(operation)).rejects.toBe(error);
    expect(asked.times).toBe(1);
  });

  it('ends after 30 s of silence, over several operations together, and begins anew with an answer', async () => {
    const clock = new ManualClock(0);
    const patience = new Patience({ clock });
    const never = async () => {
      throw silent();
    };
    await expect(advancing(clock, patience.with(never))).rejects.toThrow('nobody answers');
    expect(clock.now()).toBeGreaterThanOrEqual(30_000);
    expect(clock.now()).toBeLessThan(31_000);
    const before = clock.now();
    await expect(patience.with(never)).rejects.toThrow('nobody answers');
    expect(clock.now()).toBe(before);
    expect(await patience.with(async () => 'back')).toBe('back');
    expect(await advancing(clock, patience.with(failing(silent()).operation))).toBe('done');
  });

  it('ends at once when the run is interrupted', async () => {
    const { operation } = failing(silent(), silent());
    const patience = new Patience({ clock: new ManualClock(0), signal: AbortSignal.abort() });
    await expect(patience.with(operation)).rejects.toThrow('nobody answers');
  });
});
