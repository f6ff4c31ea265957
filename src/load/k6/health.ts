import { availableParallelism } from 'node:os';
import { formatPercent } from '../../base/units.js';
import { drops, FEWEST, LARGEST_SHARE, ports, sockets } from '../health.js';
import type { GeneratorReadings } from '../loadRun.js';
import type { GeneratorHealth } from '../types.js';
import { LATE_MS } from './core.js';

/** Of all cores; above it k6 had no reserve. */
const BUSY_SHARE = 0.9;

/**
 * Judges k6 itself: was it the bottleneck, and did it run as it should?
 * @param faults what went wrong with the process; none: nothing.
 */
export function assessK6(readings: GeneratorReadings, program: string, faults: readonly string[]): GeneratorHealth {
  const { sent, late, cpuSeconds, peakRssBytes, seconds } = readings;
  const cores = availableParallelism();
  const cpuShare = seconds > 0 ? cpuSeconds / seconds / cores : 0;
  const reasons = [...faults, ...[lateness(readings), drops(readings), sockets(readings), ports(readings)]].filter(
    (reason) => reason !== undefined,
  );
  return {
    valid: reasons.length === 0,
    program,
    cpuSeconds,
    cpuShare,
    lateShare: sent === 0 ? 0 : late / sent,
    late,
    peakRssBytes,
    ...(cores > 1 ? { threads: cores } : {}),
    ...(reasons.length > 0
      ? { reason: reasons.join('; ') }
      : cpuShare > BUSY_SHARE
        ? {
            note: `k6 filled ${formatPercent(cpuShare, 0)} of ${cores === 1 ? 'the core' : `all ${cores} cores`}: its rate may be its own limit and not the server's`,
          }
        : {}),
  };
}

/** Users only: k6 does not tell when an arrival was due, but drops it when nobody is free. */
function lateness({ sent, late }: GeneratorReadings): string | undefined {
  if (late < FEWEST || late <= LARGEST_SHARE * sent) return undefined;
  return `k6 ran late: ${formatPercent(late / sent)} of the requests left more than ${LATE_MS} ms after their think time was over; use fewer users, or more machines`;
}
