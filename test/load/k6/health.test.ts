import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { NO_READINGS } from '../../../src/load/health.js';
import { assessK6 } from '../../../src/load/k6/health.js';
import type { GeneratorReadings } from '../../../src/load/loadRun.js';

const readings = (extra: Partial<GeneratorReadings> = {}): GeneratorReadings => ({
  ...NO_READINGS,
  sent: 1000,
  seconds: 10,
  maxInFlight: 50,
  ...extra,
});

describe('k6 as a generator', () => {
  it.each([
    ['kept up', {}, [], undefined],
    ['was late now and then', { late: 10 }, [], undefined],
    ['was late', { late: 11 }, [], /^k6 ran late: 1\.1 % .* more machines$/],
    ['dropped arrivals', { dropped: 20 }, [], /^2 % of the arrivals were dropped because 50 requests/],
    ['ran out of sockets', { outOfSockets: 1 }, [], /^1 request found no free file descriptor/],
    ['was killed', {}, ['k6 was killed'], /^k6 was killed$/],
    ['was killed and late', { late: 500 }, ['k6 was killed'], /^k6 was killed; k6 ran late/],
  ])('that %s', (_what, extra, faults, reason) => {
    const health = assessK6(readings(extra), 'k6 1.1.0', faults);
    expect(health.valid).toBe(reason === undefined);
    if (reason) expect(health.reason).toMatch(reason);
  });

  it('that filled all cores is valid, and told', () => {
    const health = assessK6(readings({ cpuSeconds: 9.5 * availableParallelism() }), 'k6 1.1.0', []);
    expect(health).toMatchObject({ valid: true, cpuShare: 0.95, note: expect.stringContaining('k6 filled 95 %') });
  });
});
