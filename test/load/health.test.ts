import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { assessGenerator, mergeReadings } from '../../src/load/health.js';
import { LatencyHistogram } from '../../src/load/latency.js';
import type { GeneratorReadings } from '../../src/load/loadRun.js';
import { GeneratorWatch } from '../../src/load/watch.js';

const nothing = new LatencyHistogram().data();
const readings: GeneratorReadings = {
  sent: 1000,
  late: 0,
  dropped: 0,
  outOfSockets: 0,
  outOfPorts: 0,
  lateness: nothing,
  seconds: 10,
  cpuSeconds: 5,
  threads: 1,
  peakRssBytes: 1,
  loopDelayP99: 2,
  sustainedLoopDelayMs: 2,
  gcMs: 20,
  longestGcMs: 4,
  waitedForCoreMs: 0,
  maxInFlight: undefined,
};

describe('the generator judges itself', () => {
  test.each<[string, Partial<GeneratorReadings>, RegExp | undefined]>([
    ['exactly 1 % late is still valid', { late: 10 }, undefined],
    ['more than 1 % late is not, and an idle CPU blames the event loop', { late: 11 }, /1\.1 %.*held up by others/],
    ['that others had the core is said where the system tells', { late: 11, waitedForCoreMs: 2500 }, /core for 25 %/],
    ['a busy CPU is named', { late: 500, cpuSeconds: 9.8 }, /its process used 98 % of a core.*--workers 2/],
    ['with threads: a core each', { late: 500, cpuSeconds: 28, threads: 3 }, /each of its 3 threads used 93 %.*s 4/],
    ['three threads that use a core together are not busy', { late: 500, cpuSeconds: 10, threads: 3 }, /held up by/],
    ['garbage collection is named', { late: 500, gcMs: 3000, longestGcMs: 80 }, /collection took 30 %.*pause 80 ms/],
    ['four late requests of ten are an accident of start-up', { sent: 10, late: 4 }, undefined],
    ['answers that wait 50 ms in the loop are a matter of scale', { sustainedLoopDelayMs: 50 }, undefined],
    ['answers that wait longer are not the server', { sustainedLoopDelayMs: 51 }, /waited in the generator.*51 ms/],
    ['more than 1 % dropped is invalid too', { dropped: 20, maxInFlight: 64 }, /2 %.*64 requests were already/],
    ['1 % dropped is not', { sent: 990, dropped: 10, maxInFlight: 64 }, undefined],
    ['one request without a socket is enough', { outOfSockets: 1 }, /^1 request found.*ulimit -n/],
    ['so is one without a port', { outOfPorts: 3 }, /^3 requests found.*ip_local_port_range/],
  ])('%s', (_case, change, reason) => {
    const health = assessGenerator({ ...readings, ...change });
    expect(health.valid).toBe(reason === undefined);
    if (reason) expect(health.reason).toMatch(reason);
    else expect(health).not.toHaveProperty('reason');
  });

  it('names every reason', () => {
    const { reason } = assessGenerator({ ...readings, late: 100, dropped: 100, outOfPorts: 1 });
    expect(reason?.split('; ').filter((part) => /ran late|dropped|local port/.test(part))).toHaveLength(3);
  });

  it('has shares of 0 when nothing was sent', () => {
    const health = assessGenerator({ ...readings, sent: 0, seconds: 0 });
    expect(health).toMatchObject({ valid: true, lateShare: 0, gcShare: 0, cpuShare: 0 });
  });

  it('gives shares of the time and of the cores that its threads could have filled', () => {
    const health = assessGenerator({ ...readings, cpuSeconds: 15, threads: 2, gcMs: 500, late: 3 });
    expect(health).toMatchObject({ cpuShare: 0.75, gcShare: 0.05, late: 3, lateShare: 0.003, threads: 2 });
  });
});

test('readings of several threads are merged: counts add up, of pauses the worst counts, the process is counted once', () => {
  const figure = fc.nat(1000);
  const part = fc.record({ sent: figure, late: figure, lateMs: fc.array(fc.nat(5000), { maxLength: 20 }), gc: figure });
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const merged = mergeReadings(
        parts.map(({ sent, late, lateMs, gc }) => {
          const histogram = new LatencyHistogram();
          for (const ms of lateMs) histogram.record(ms);
          return { ...readings, sent, late, lateness: histogram.data(), longestGcMs: gc };
        }),
      );
      const all = new LatencyHistogram();
      for (const ms of parts.flatMap(({ lateMs }) => lateMs)) all.record(ms);
      expect(LatencyHistogram.of(merged.lateness).summary()).toEqual(all.summary());
      expect(merged).toMatchObject({
        sent: parts.reduce((sum, { sent }) => sum + sent, 0),
        late: parts.reduce((sum, { late }) => sum + late, 0),
        longestGcMs: Math.max(...parts.map(({ gc }) => gc)),
        threads: parts.length,
        cpuSeconds: readings.cpuSeconds,
        seconds: readings.seconds,
        maxInFlight: undefined,
      });
    }),
    { seed: 3, numRuns: 100 },
  );
});

describe('the watch', () => {
  const progress = { seconds: 1, sent: 0, dropped: 0, outOfSockets: 0, outOfPorts: 0 };

  it('sees garbage collection that stops the thread', async () => {
    const watch = new GeneratorWatch(undefined);
    let kept: object[] = [];
    let collections = 0;
    // Allocates until the collector has run; how often is the engine's choice.
    while (collections < 3) {
      for (let i = 0; i < 100_000; i++) kept.push({ i });
      kept = [];
      await new Promise((resolve) => setImmediate(resolve));
      if (watch.readings('run', progress).gcMs > 0) collections++;
    }
    watch.stop(progress);
    const { gcMs, longestGcMs } = watch.readings('run', progress);
    expect(longestGcMs).toBeGreaterThan(0);
    expect(longestGcMs).toBeLessThanOrEqual(gcMs);
  });

  it('sees a loop that is held up again and again, in the window in which it was', async () => {
    const watch = new GeneratorWatch(undefined);
    for (let turn = 0; turn < 8; turn++) {
      const heldUntil = performance.now() + 80;
      while (performance.now() < heldUntil);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    const held = watch.readings('window', progress);
    watch.resetWindow(progress);
    watch.stop(progress);
    expect(held.sustainedLoopDelayMs).toBeGreaterThan(50);
    expect(watch.readings('run', progress).sustainedLoopDelayMs).toBe(held.sustainedLoopDelayMs);
    expect(watch.readings('window', progress).sustainedLoopDelayMs).toBe(0);
  });

  it('keeps lateness by window, and all of it', () => {
    const watch = new GeneratorWatch(undefined);
    for (const ms of [1, 2, 60]) watch.sent(ms);
    watch.resetWindow({ ...progress, sent: 3 });
    watch.sent(70);
    const now = { ...progress, sent: 4 };
    watch.stop(now);
    const summary = (of: 'window' | 'run') => assessGenerator(watch.readings(of, now));
    expect(summary('window')).toMatchObject({ late: 1, lateShare: 1, lateness: { p50: 70, p99: 70, max: 70 } });
    expect(summary('run')).toMatchObject({ late: 2, lateShare: 0.5, lateness: { p50: 2, max: 70 } });
  });
});
