import type { Labels, Sample } from './prometheus.js';

interface Series {
  readonly labels: Labels;
  readonly proxy: string;
  last: number;
  increase: number;
}

/**
 * How much counters have grown since a base, exactly and in whole requests, from raw samples. `rate()` and `increase()` cannot give
 * that: they extrapolate, and never see what a series held at its first sample, which halves the share of a fresh canary.
 *
 * Rules: a series is all its labels, so a new pod is a new series; one that is not in the base started at 0; a value lower than before
 * is a restart from 0, so all of it is new; a series that vanishes keeps what it had.
 */
export class CounterGrowth {
  readonly #series = new Map<string, Series>();
  readonly #restarted = new Set<string>();

  /** @param base samples at the opening of the counting window. */
  constructor(base: readonly Sample[]) {
    for (const sample of base) this.#add(sample, sample.value);
  }

  /** Later samples of the same selection; series may come and go. */
  update(samples: readonly Sample[]): void {
    for (const sample of samples) {
      const series = this.#series.get(keyOf(sample.labels)) ?? this.#add(sample, 0);
      if (sample.value < series.last) {
        this.#restarted.add(series.proxy);
        series.increase += sample.value;
      } else {
        series.increase += sample.value - series.last;
      }
      series.last = sample.value;
    }
  }

  /** Every series ever seen; `value` is its growth since the base. */
  rows(): readonly Sample[] {
    return [...this.#series.values()].map(({ labels, increase }) => ({ labels, value: increase }));
  }

  /** Proxies with at least one counter that went back. */
  get resets(): number {
    return this.#restarted.size;
  }

  #add({ labels }: Sample, last: number): Series {
    const proxy = JSON.stringify([labels.namespace, labels.pod, labels.instance]);
    const series = { labels, proxy, last, increase: 0 };
    this.#series.set(keyOf(labels), series);
    return series;
  }
}

/** One string for a set of labels, whatever their order; the metric's name is no part of it, since functions drop it. */
function keyOf(labels: Labels): string {
  const pairs = Object.entries(labels).filter(([name]) => name !== '__name__');
  return JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
