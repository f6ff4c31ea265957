import { formatPercent } from '../base/units.js';
import { LatencyHistogram } from './latency.js';
import type { LoadSnapshot } from './loadRun.js';
import type { LoadSpec } from './types.js';

/** How the load does between two snapshots, in one line; the most important first, since terminals are narrow. */
export function progressLine(
  before: LoadSnapshot,
  now: LoadSnapshot,
  { durationMs, maxRequests }: Pick<LoadSpec, 'durationMs' | 'maxRequests'>,
): string {
  const seconds = now.seconds - before.seconds;
  const ended = now.counts.ended - before.counts.ended;
  const sent = now.generator.sent - before.generator.sent;
  const late = now.generator.late - before.generator.late;
  const times = LatencyHistogram.between(before.responseTime, now.responseTime).summary();
  const whole = durationMs === undefined ? '' : ` of ${short(durationMs / 1000)}`;
  return [
    `${short(now.seconds, 0)}${whole} s`,
    `${seconds > 0 ? (ended / seconds).toFixed(0) : 0} requests/s`,
    ...(times.count === 0 ? ['no answer'] : [`p50 ${times.p50.toFixed(1)} ms`, `p99 ${times.p99.toFixed(1)} ms`]),
    `${now.counts.failed} failed`,
    `${formatPercent(sent === 0 ? 0 : late / sent)} late`,
    ...(now.counts.dropped > 0 ? [`${now.counts.dropped} dropped`] : []),
    `${now.inFlight} in flight`,
    `${now.counts.ended}${maxRequests === undefined ? '' : ` of ${maxRequests}`} ended`,
  ].join('  ');
}

const short = (value: number, digits = 1): string => String(Number(value.toFixed(digits)));
