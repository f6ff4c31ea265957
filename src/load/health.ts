import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { formatPercent } from '../base/units.js';
import type { GeneratorHealth } from './types.js';

/** A request sent later than this after it was due is late, ms. */
export const LATE_MS = 50;
/** A run in which more than this share was late, or was dropped, measures the generator. */
const LARGEST_SHARE = 0.01;
/** Fewer than this are an accident of start-up, not a saturated generator. */
const FEWEST = 5;
/** Share of one core above which the process had no reserve. */
const BUSY_CPU_SHARE = 0.9;

export interface GeneratorReadings {
  readonly sent: number;
  readonly late: number;
  readonly dropped: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly peakRssBytes: number;
  /** 99th percentile of the event loop's delay, ms. */
  readonly loopDelayMs: number;
  /** Open model: its limit. */
  readonly maxInFlight: number | undefined;
}

/** Judges the generator itself: was it the bottleneck? Says why and what to do. */
export function assessGenerator(readings: GeneratorReadings): GeneratorHealth {
  const { sent, late, dropped, cpuSeconds, peakRssBytes } = readings;
  const lateShare = sent === 0 ? 0 : late / sent;
  const droppedShare = dropped === 0 ? 0 : dropped / (sent + dropped);
  const reasons: string[] = [];
  if (late >= FEWEST && lateShare > LARGEST_SHARE) {
    const cpuShare = readings.seconds > 0 ? cpuSeconds / readings.seconds : 0;
    const busy =
      cpuShare > BUSY_CPU_SHARE
        ? `its process used ${formatPercent(cpuShare, 0)} of a core`
        : `its event loop was held up by others (delay p99 ${readings.loopDelayMs.toFixed(0)} ms, CPU ${formatPercent(cpuShare, 0)} of a core)`;
    reasons.push(
      `the generator ran late: ${formatPercent(lateShare)} of the requests left more than ${LATE_MS} ms after they were due, ${busy}; use fewer users or a lower rate, or a machine with an idle core`,
    );
  }
  if (dropped >= FEWEST && droppedShare > LARGEST_SHARE) {
    reasons.push(
      `${formatPercent(droppedShare)} of the arrivals were dropped because ${readings.maxInFlight ?? 0} requests were already in flight; lower the rate, or find out why answers take so long`,
    );
  }
  return {
    valid: reasons.length === 0,
    cpuSeconds,
    lateShare,
    peakRssBytes,
    ...(reasons.length > 0 ? { reason: reasons.join('; ') } : {}),
  };
}

/** Measures this process from its creation to `stop`. */
export class ProcessWatch {
  readonly #cpuAtStart = process.cpuUsage();
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  #stopped: { cpuSeconds: number } | undefined;

  constructor() {
    this.#loop.enable();
  }

  read(): { cpuSeconds: number; peakRssBytes: number; loopDelayMs: number } {
    return {
      cpuSeconds: this.#stopped?.cpuSeconds ?? this.#cpuSeconds(),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      // The monitor's own interval is part of what it records.
      loopDelayMs: this.#loop.count === 0 ? 0 : Math.max(0, this.#loop.percentile(99) / 1e6 - 10),
    };
  }

  stop(): void {
    this.#stopped ??= { cpuSeconds: this.#cpuSeconds() };
    this.#loop.disable();
  }

  #cpuSeconds(): number {
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    return (user + system) / 1e6;
  }
}
