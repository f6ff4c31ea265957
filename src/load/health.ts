import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { formatPercent } from '../base/units.js';
import type { GeneratorHealth } from './types.js';

/** A request sent later than this after it was due is late, ms. */
const LATE_MS = 50;
/** A run in which more than this share was late, or was dropped, measures the generator. */
const LARGEST_SHARE = 0.01;
/** Fewer than this are an accident of start-up, not a saturated generator. */
const FEWEST = 5;
/** Share of one core above which the process had no reserve. */
const BUSY_CPU_SHARE = 0.9;
const LOOP_RESOLUTION_MS = 10;

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

interface Span {
  readonly cpu: NodeJS.CpuUsage;
  readonly seconds: number;
  readonly sent: number;
  readonly late: number;
  readonly dropped: number;
}

/**
 * The generator's readings since the start and since the last window. What went wrong before a window, when a thousand users open
 * their connections to a cold server, is no fault of what is measured in it.
 */
export class GeneratorWatch {
  readonly #maxInFlight: number | undefined;
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #start: Span = { cpu: process.cpuUsage(), seconds: 0, sent: 0, late: 0, dropped: 0 };
  #window: Span = this.#start;
  #stoppedAt: NodeJS.CpuUsage | undefined;
  #late = 0;

  constructor(maxInFlight: number | undefined) {
    this.#maxInFlight = maxInFlight;
    this.#loop.enable();
  }

  /** @param lateMs how long after it was due a request is sent. */
  sent(lateMs: number): void {
    if (lateMs > LATE_MS) this.#late++;
  }

  resetWindow(now: LoadProgress): void {
    this.#window = { ...now, cpu: process.cpuUsage(), late: this.#late };
    this.#loop.reset();
  }

  health(of: 'window' | 'run', now: LoadProgress): GeneratorHealth {
    const since = of === 'run' ? this.#start : this.#window;
    const cpu = this.#stoppedAt ?? process.cpuUsage();
    return assessGenerator({
      sent: now.sent - since.sent,
      late: this.#late - since.late,
      dropped: now.dropped - since.dropped,
      seconds: now.seconds - since.seconds,
      cpuSeconds: (cpu.user + cpu.system - since.cpu.user - since.cpu.system) / 1e6,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      // The monitor's own interval is part of what it records.
      loopDelayMs: this.#loop.count === 0 ? 0 : Math.max(0, this.#loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
      maxInFlight: this.#maxInFlight,
    });
  }

  stop(): void {
    this.#stoppedAt ??= process.cpuUsage();
    this.#loop.disable();
  }
}

/** Cumulative, as the engine counts. */
export interface LoadProgress {
  readonly seconds: number;
  readonly sent: number;
  readonly dropped: number;
}
