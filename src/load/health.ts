import { formatPercent } from '../base/units.js';
import { LatencyHistogram } from './latency.js';
import type { GeneratorReadings } from './loadRun.js';
import type { GeneratorHealth } from './types.js';

/** A request sent later than this after it was due is late; a loop that is held up longer reads answers that late. ms. */
export const LATE_MS = 50;
/** A run in which more than this share was late, or was dropped, measures the generator. */
export const LARGEST_SHARE = 0.01;
/** Fewer than this are an accident of start-up, not a saturated generator. */
export const FEWEST = 5;
/** Share of one core above which a thread had no reserve. */
const BUSY_CPU_SHARE = 0.9;
/** Share of the time above which garbage collection is named as what took the processor. */
const BUSY_GC_SHARE = 0.1;

/** Before anything is sent. */
export const NO_READINGS: GeneratorReadings = {
  sent: 0,
  late: 0,
  dropped: 0,
  outOfSockets: 0,
  outOfPorts: 0,
  lateness: new LatencyHistogram().data(),
  seconds: 0,
  cpuSeconds: 0,
  threads: 1,
  peakRssBytes: 0,
  loopDelayP99: 0,
  sustainedLoopDelayMs: 0,
  gcMs: 0,
  longestGcMs: 0,
  waitedForCoreMs: undefined,
  maxInFlight: undefined,
};

/** As if one generator had read all of it. @param parts at least one */
export function mergeReadings(parts: readonly GeneratorReadings[]): GeneratorReadings {
  const sum = (of: (part: GeneratorReadings) => number) => parts.reduce((total, part) => total + of(part), 0);
  const most = (of: (part: GeneratorReadings) => number) => Math.max(...parts.map(of));
  const lateness = new LatencyHistogram();
  for (const part of parts) lateness.addData(part.lateness);
  return {
    sent: sum(({ sent }) => sent),
    late: sum(({ late }) => late),
    dropped: sum(({ dropped }) => dropped),
    outOfSockets: sum(({ outOfSockets }) => outOfSockets),
    outOfPorts: sum(({ outOfPorts }) => outOfPorts),
    lateness: lateness.data(),
    seconds: most(({ seconds }) => seconds),
    // Every thread reads the same process.
    cpuSeconds: most(({ cpuSeconds }) => cpuSeconds),
    threads: sum(({ threads }) => threads),
    peakRssBytes: most(({ peakRssBytes }) => peakRssBytes),
    loopDelayP99: most(({ loopDelayP99 }) => loopDelayP99),
    sustainedLoopDelayMs: most(({ sustainedLoopDelayMs }) => sustainedLoopDelayMs),
    gcMs: most(({ gcMs }) => gcMs),
    longestGcMs: most(({ longestGcMs }) => longestGcMs),
    waitedForCoreMs: parts.some(({ waitedForCoreMs }) => waitedForCoreMs === undefined)
      ? undefined
      : most(({ waitedForCoreMs }) => waitedForCoreMs ?? 0),
    maxInFlight: parts[0]?.maxInFlight,
  };
}

/** Judges the generator itself: was it the bottleneck? Says why and what to do. */
export function assessGenerator(readings: GeneratorReadings): GeneratorHealth {
  const { sent, late, cpuSeconds, peakRssBytes, seconds, threads } = readings;
  const reasons = [
    lateness(readings) ?? loopDelay(readings),
    drops(readings),
    sockets(readings),
    ports(readings),
  ].filter((reason) => reason !== undefined);
  const { p50, p99, max } = LatencyHistogram.of(readings.lateness).summary();
  return {
    valid: reasons.length === 0,
    cpuSeconds,
    cpuShare: cpuShareOf(readings),
    lateShare: sent === 0 ? 0 : late / sent,
    late,
    lateness: { p50, p99, max },
    loopDelayP99: readings.loopDelayP99,
    gcShare: shareOf(readings.gcMs, seconds),
    longestGcMs: readings.longestGcMs,
    peakRssBytes,
    ...(threads > 1 ? { threads } : {}),
    ...(reasons.length > 0 ? { reason: reasons.join('; ') } : note(readings)),
  };
}

/** Users without think time are never late: they ask as fast as both sides can, and which of them was at its end is to be said. */
function note(readings: GeneratorReadings): { note?: string } {
  const share = cpuShareOf(readings);
  if (share <= BUSY_CPU_SHARE) return {};
  const cores = readings.threads === 1 ? 'a core' : `${readings.threads} cores`;
  const remedy = `--workers ${readings.threads + 1}`;
  return {
    note: `the generator filled ${formatPercent(share, 0)} of ${cores}: its rate may be its own limit and not the server's; ${remedy} uses one core more`,
  };
}

const shareOf = (ms: number, seconds: number): number => (seconds > 0 ? ms / 1000 / seconds : 0);

/** Of the cores that its threads could have filled. */
const cpuShareOf = ({ cpuSeconds, seconds, threads }: GeneratorReadings): number =>
  seconds > 0 ? cpuSeconds / seconds / threads : 0;

function lateness(readings: GeneratorReadings): string | undefined {
  const { sent, late } = readings;
  if (late < FEWEST || late <= LARGEST_SHARE * sent) return undefined;
  return `the generator ran late: ${formatPercent(late / sent)} of the requests left more than ${LATE_MS} ms after they were due, ${heldUpBy(readings)}`;
}

/** Without think time no request is ever late, but answers wait in a loop that is held up, and count as slow. */
function loopDelay(readings: GeneratorReadings): string | undefined {
  if (readings.sustainedLoopDelayMs <= LATE_MS) return undefined;
  return `answers waited in the generator: its event loop was held up for ${readings.sustainedLoopDelayMs.toFixed(0)} ms and more again and again, ${heldUpBy(readings)}`;
}

/** What took the time, as far as the readings tell, and what to do about it. */
function heldUpBy(readings: GeneratorReadings): string {
  const cpuShare = cpuShareOf(readings);
  const gcShare = shareOf(readings.gcMs, readings.seconds);
  const waited = shareOf(readings.waitedForCoreMs ?? 0, readings.seconds);
  const idleCore = 'or a machine with an idle core';
  if (gcShare > BUSY_GC_SHARE) {
    return `and garbage collection took ${formatPercent(gcShare, 0)} of the time (longest pause ${readings.longestGcMs.toFixed(0)} ms); use fewer users or a lower rate, or a larger heap (NODE_OPTIONS=--max-old-space-size)`;
  }
  if (cpuShare > BUSY_CPU_SHARE) {
    const threads = readings.threads > 1 ? `each of its ${readings.threads} threads` : 'its process';
    return `${threads} used ${formatPercent(cpuShare, 0)} of a core; use fewer users or a lower rate, or --workers ${readings.threads + 1} where a core is idle`;
  }
  const others = waited > LARGEST_SHARE ? `, ready but without a core for ${formatPercent(waited, 0)} of the time` : '';
  return `its event loop was held up by others (delay p99 ${readings.loopDelayP99.toFixed(0)} ms, CPU ${formatPercent(cpuShare, 0)} of a core${others}); use fewer users or a lower rate, ${idleCore}`;
}

export function drops({ sent, dropped, maxInFlight }: GeneratorReadings): string | undefined {
  const share = dropped === 0 ? 0 : dropped / (sent + dropped);
  if (dropped < FEWEST || share <= LARGEST_SHARE) return undefined;
  return `${formatPercent(share)} of the arrivals were dropped because ${maxInFlight ?? 0} requests were already in flight; lower the rate, or find out why answers take so long`;
}

/** One is enough: it is counted as a failure, and the server had no part in it. */
export function sockets({ outOfSockets }: GeneratorReadings): string | undefined {
  if (outOfSockets === 0) return undefined;
  return `${requests(outOfSockets)} found no free file descriptor for a socket; raise the limit (ulimit -n) or use fewer users`;
}

export function ports({ outOfPorts }: GeneratorReadings): string | undefined {
  if (outOfPorts === 0) return undefined;
  return `${requests(outOfPorts)} found no free local port, because closed connections keep theirs for a minute; use fewer new connections, or widen net.ipv4.ip_local_port_range`;
}

const requests = (count: number): string => (count === 1 ? '1 request' : `${count} requests`);
