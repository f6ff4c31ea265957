import type { Labels } from './labels.js';

/** Prometheus' staleness marker: a signalling NaN told from ordinary NaNs by its bits alone, 0x7ff0000000000002. */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 0x00000002;
const FIRST_CAPACITY = 16;

/** Word order of a double in memory. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;
const LOW = 1 - HIGH;

/**
 * Samples of one series in a ring of typed arrays that grows while its samples are younger than the retention.
 * Values are compared and copied as bits where staleness matters: a JavaScript number does not keep the bits of a NaN.
 */
export class Series {
  readonly labels: Labels;
  /** True once the storage let go of the series: whoever still wants it opens it anew. */
  forgotten = false;
  private times = new Float64Array(FIRST_CAPACITY);
  private values = new Float64Array(FIRST_CAPACITY);
  private words = new Uint32Array(this.values.buffer);
  private start = 0;
  private count = 0;
  private readonly retentionMs: number;
  private readonly maxSamples: number;

  /** @param maxSamples power of two >= 16; a full ring then loses its oldest sample even within the retention. */
  constructor(labels: Labels, retentionMs: number, maxSamples: number) {
    this.labels = labels;
    this.retentionMs = retentionMs;
    this.maxSamples = maxSamples;
  }

  get length(): number {
    return this.count;
  }

  /** ms since the epoch; -Infinity when empty. */
  get lastTime(): number {
    return this.count === 0 ? Number.NEGATIVE_INFINITY : this.timeAt(this.count - 1);
  }

  timeAt(index: number): number {
    return this.times[this.slot(index)] ?? Number.NaN;
  }

  valueAt(index: number): number {
    return this.values[this.slot(index)] ?? Number.NaN;
  }

  isStale(index: number): boolean {
    const word = this.slot(index) * 2;
    return this.words[word + HIGH] === STALE_HIGH && this.words[word + LOW] === STALE_LOW;
  }

  /** @returns false when the sample is not younger than the newest one (it is dropped, as Prometheus drops out-of-order samples). */
  append(timeMs: number, value: number): boolean {
    const slot = this.reserve(timeMs);
    if (slot < 0) return false;
    this.values[slot] = value;
    return true;
  }

  appendStale(timeMs: number): boolean {
    const slot = this.reserve(timeMs);
    if (slot < 0) return false;
    this.words[slot * 2 + HIGH] = STALE_HIGH;
    this.words[slot * 2 + LOW] = STALE_LOW;
    return true;
  }

  /** Index of the newest sample at or before `timeMs`, or -1. */
  indexAt(timeMs: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timeAt(middle) <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private slot(index: number): number {
    return (this.start + index) & (this.times.length - 1);
  }

  private reserve(timeMs: number): number {
    if (timeMs <= this.lastTime) return -1;
    while (this.count > 0 && this.timeAt(0) < timeMs - this.retentionMs) this.dropOldest();
    if (this.count === this.times.length) {
      if (this.count < this.maxSamples) this.grow();
      else this.dropOldest();
    }
    const slot = this.slot(this.count);
    this.times[slot] = timeMs;
    this.count += 1;
    return slot;
  }

  private dropOldest(): void {
    this.start = this.slot(1);
    this.count -= 1;
  }

  private grow(): void {
    const capacity = this.times.length;
    const times = new Float64Array(capacity * 2);
    const words = new Uint32Array(capacity * 4);
    const head = capacity - this.start;
    times.set(this.times.subarray(this.start));
    times.set(this.times.subarray(0, this.start), head);
    words.set(this.words.subarray(this.start * 2));
    words.set(this.words.subarray(0, this.start * 2), head * 2);
    this.times = times;
    this.words = words;
    this.values = new Float64Array(words.buffer);
    this.start = 0;
  }
}
