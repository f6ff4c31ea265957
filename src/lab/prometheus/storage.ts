import { compareLabels, type Labels, labelKey, METRIC_NAME } from './labels.js';
import { type Matcher, matchesAll } from './matchers.js';
import { Series } from './series.js';

export interface StorageOptions {
  /** Samples older than the newest one by more than this may be dropped; ms, default 30 min. */
  readonly retentionMs?: number;
  /** Bound on different label sets held at once; default 200,000. New ones beyond it are refused. */
  readonly maxSeries?: number;
  /** Bound on samples of one series; rounded up to a power of two; default 32,768. */
  readonly maxSamplesPerSeries?: number;
}

/** Thrown when a new series would pass `maxSeries`; the scrape that brought it fails as a whole. */
export class SeriesLimitError extends Error {}

/** The series of one metric. */
interface Family {
  readonly byKey: Map<string, Series>;
  /** All of them in the order of their labels; undefined when one came or went since. */
  sorted: readonly Series[] | undefined;
}

/**
 * Time series in memory, found by metric name. Retention follows the samples' own time, not a clock, so that recorded
 * samples of any age can be loaded and queried.
 */
export class Storage {
  private readonly byName = new Map<string, Family>();
  private readonly retentionMs: number;
  private readonly maxSeries: number;
  private readonly maxSamples: number;
  private series = 0;
  private newest = Number.NEGATIVE_INFINITY;
  private nextSweep = Number.NEGATIVE_INFINITY;

  constructor(options: StorageOptions = {}) {
    this.retentionMs = options.retentionMs ?? 30 * 60_000;
    this.maxSeries = options.maxSeries ?? 200_000;
    this.maxSamples = 2 ** Math.ceil(Math.log2(Math.max(16, options.maxSamplesPerSeries ?? 32_768)));
  }

  get seriesCount(): number {
    return this.series;
  }

  /** Span of the samples held, ms since the epoch; undefined when there are none. */
  get bounds(): { readonly minTime: number; readonly maxTime: number } | undefined {
    let minTime = Number.POSITIVE_INFINITY;
    for (const series of this.all()) if (series.length > 0) minTime = Math.min(minTime, series.timeAt(0));
    return minTime <= this.newest ? { minTime, maxTime: this.newest } : undefined;
  }

  /** The series with these labels, or undefined. */
  find(labels: Labels): Series | undefined {
    return this.byName.get(labels.get(METRIC_NAME) ?? '')?.byKey.get(labelKey(labels));
  }

  /** The series with these labels, made when there is none. Throws SeriesLimitError. */
  open(labels: Labels): Series {
    const name = labels.get(METRIC_NAME) ?? '';
    let family = this.byName.get(name);
    if (!family) {
      family = { byKey: new Map(), sorted: undefined };
      this.byName.set(name, family);
    }
    const key = labelKey(labels);
    let series = family.byKey.get(key);
    if (!series) {
      if (this.series >= this.maxSeries) throw new SeriesLimitError(`more than ${this.maxSeries} series`);
      series = new Series(labels, this.retentionMs, this.maxSamples);
      family.byKey.set(key, series);
      family.sorted = undefined;
      this.series += 1;
    }
    return series;
  }

  /** @returns false for a sample that is not younger than the newest of its series. */
  append(series: Series, timeMs: number, value: number): boolean {
    this.advance(timeMs);
    return series.append(timeMs, value);
  }

  appendStale(series: Series, timeMs: number): boolean {
    this.advance(timeMs);
    return series.appendStale(timeMs);
  }

  /** All series that satisfy every matcher, in the order of their labels: in it Prometheus adds up and breaks ties. */
  select(matchers: readonly Matcher[]): Series[] {
    const name = matchers.find((matcher) => matcher.label === METRIC_NAME && matcher.op === '=')?.value;
    if (name !== undefined) return this.sorted(name).filter(({ labels }) => matchesAll(labels, matchers));
    const found: Series[] = [];
    for (const series of this.all()) if (matchesAll(series.labels, matchers)) found.push(series);
    return found.sort((a, b) => compareLabels(a.labels, b.labels));
  }

  private sorted(name: string): readonly Series[] {
    const family = this.byName.get(name);
    if (!family) return [];
    family.sorted ??= [...family.byKey.values()].sort((a, b) => compareLabels(a.labels, b.labels));
    return family.sorted;
  }

  *all(): Iterable<Series> {
    for (const { byKey } of this.byName.values()) yield* byKey.values();
  }

  private advance(timeMs: number): void {
    if (timeMs <= this.newest) return;
    this.newest = timeMs;
    if (timeMs < this.nextSweep) return;
    this.nextSweep = timeMs + Math.max(1_000, this.retentionMs / 10);
    this.sweep();
  }

  /** Forgets series whose newest sample is past the retention. */
  private sweep(): void {
    const oldest = this.newest - this.retentionMs;
    for (const [name, family] of this.byName) {
      for (const [key, series] of family.byKey) {
        if (series.length === 0 || series.lastTime >= oldest) continue;
        family.byKey.delete(key);
        family.sorted = undefined;
        series.forgotten = true;
        this.series -= 1;
      }
      if (family.byKey.size === 0) this.byName.delete(name);
    }
  }
}
