import { readFileSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { FEWEST, LATE_MS } from './health.js';
import { LatencyHistogram } from './latency.js';
import type { GeneratorReadings } from './loadRun.js';

const LOOP_RESOLUTION_MS = 10;

/** Cumulative, as the engine counts. */
export interface LoadProgress {
  readonly seconds: number;
  readonly sent: number;
  readonly dropped: number;
  readonly outOfSockets: number;
  readonly outOfPorts: number;
}

/** Where a span of time begins, in cumulative figures. */
interface Mark extends LoadProgress {
  readonly late: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly waitedForCoreMs: number | undefined;
}

/**
 * Watches the thread that sends, since the start and since the last window. What went wrong before a window, when a thousand users open
 * their connections to a cold server, is no fault of what is measured in it.
 */
export class GeneratorWatch {
  readonly #maxInFlight: number | undefined;
  readonly #run: Span;
  #window: Span;
  #late = 0;

  constructor(maxInFlight: number | undefined) {
    this.#maxInFlight = maxInFlight;
    const start = this.#mark({ seconds: 0, sent: 0, dropped: 0, outOfSockets: 0, outOfPorts: 0 });
    this.#run = new Span(start);
    this.#window = new Span(start);
  }

  /** @param lateMs how long after it was due a request is sent. */
  sent(lateMs: number): void {
    if (lateMs > LATE_MS) this.#late++;
    this.#window.lateness.record(lateMs);
  }

  resetWindow(now: LoadProgress): void {
    this.#run.lateness.add(this.#window.lateness);
    this.#window.stop();
    this.#window = new Span(this.#mark(now));
  }

  readings(of: 'window' | 'run', now: LoadProgress): GeneratorReadings {
    const span = of === 'run' ? this.#run : this.#window;
    const { since } = span;
    const mark = span.stoppedAt ?? this.#mark(now);
    const lateness = LatencyHistogram.of(this.#window.lateness.data());
    if (of === 'run') lateness.add(this.#run.lateness);
    return {
      sent: now.sent - since.sent,
      late: this.#late - since.late,
      dropped: now.dropped - since.dropped,
      outOfSockets: now.outOfSockets - since.outOfSockets,
      outOfPorts: now.outOfPorts - since.outOfPorts,
      lateness: lateness.data(),
      seconds: now.seconds - since.seconds,
      cpuSeconds: (mark.cpu.user + mark.cpu.system - since.cpu.user - since.cpu.system) / 1e6,
      threads: 1,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      ...span.pauses(),
      waitedForCoreMs:
        mark.waitedForCoreMs === undefined || since.waitedForCoreMs === undefined
          ? undefined
          : mark.waitedForCoreMs - since.waitedForCoreMs,
      maxInFlight: this.#maxInFlight,
    };
  }

  /** The load has ended: what the process does from now on is not of it. */
  stop(now: LoadProgress): void {
    const mark = this.#mark(now);
    this.#run.stop(mark);
    this.#window.stop(mark);
  }

  #mark(now: LoadProgress): Mark {
    return { ...now, late: this.#late, cpu: process.cpuUsage(), waitedForCoreMs: waitedForCoreMs() };
  }
}

/** A span of time that is being watched. */
class Span {
  readonly since: Mark;
  readonly lateness = new LatencyHistogram();
  readonly #loop: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #collections: PerformanceObserver;
  #gcMs = 0;
  #longestGcMs = 0;
  #stoppedAt: Mark | undefined;

  constructor(since: Mark) {
    this.since = since;
    this.#loop.enable();
    this.#collections = new PerformanceObserver((list) => this.#collected(list.getEntries()));
    this.#collections.observe({ entryTypes: ['gc'] });
  }

  get stoppedAt(): Mark | undefined {
    return this.#stoppedAt;
  }

  pauses(): Pick<GeneratorReadings, 'loopDelayP99' | 'sustainedLoopDelayMs' | 'gcMs' | 'longestGcMs'> {
    this.#collected(this.#collections.takeRecords());
    const { count } = this.#loop;
    // The monitor's own interval is part of what it records.
    const delayAt = (percent: number) =>
      count === 0 || percent <= 0 ? 0 : Math.max(0, this.#loop.percentile(percent) / 1e6 - LOOP_RESOLUTION_MS);
    return {
      loopDelayP99: delayAt(99),
      sustainedLoopDelayMs: delayAt(Math.min(99, 100 * (1 - FEWEST / count))),
      gcMs: this.#gcMs,
      longestGcMs: this.#longestGcMs,
    };
  }

  stop(at?: Mark): void {
    this.#stoppedAt ??= at;
    this.#loop.disable();
    this.#collected(this.#collections.takeRecords());
    this.#collections.disconnect();
  }

  #collected(entries: readonly { readonly duration: number }[]): void {
    for (const { duration } of entries) {
      this.#gcMs += duration;
      if (duration > this.#longestGcMs) this.#longestGcMs = duration;
    }
  }
}

/** Time that this thread has waited for a core since it was started (Linux, the second number of schedstat). */
function waitedForCoreMs(): number | undefined {
  try {
    const waited = Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]);
    return Number.isFinite(waited) ? waited / 1e6 : undefined;
  } catch {
    return undefined;
  }
}
