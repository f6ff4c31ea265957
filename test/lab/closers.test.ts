import { describe, expect, test } from 'vitest';
import { Closers } from '../../src/lab/closers.js';
import { ManualClock } from '../support/clock.js';

function opened() {
  const clock = new ManualClock();
  const told: string[] = [];
  const closers = new Closers(clock, (error) => told.push(String(error)));
  return { clock, told, closers };
}

describe('what the lab has opened', () => {
  test('is ended in the reverse order, each part after the one before', async () => {
    const { told, closers } = opened();
    const order: string[] = [];
    closers.push(() => void order.push('first'));
    closers.push(async () => {
      await Promise.resolve();
      order.push('second');
    });
    await closers.close();
    expect(order).toEqual(['second', 'first']);
    expect(told).toEqual([]);
  });

  test('a part that does not end is told and left, and the others end all the same', async () => {
    const { clock, told, closers } = opened();
    let ended = false;
    closers.push(() => {
      ended = true;
    });
    closers.push(() => new Promise<void>(() => undefined));
    const closing = closers.close();
    await clock.advance(4999);
    expect([ended, told]).toEqual([false, []]);
    await clock.advance(1);
    await closing;
    expect(ended).toBe(true);
    expect(told).toEqual([expect.stringContaining('a part did not end within 5 s')]);
  });
});
