import type { Sample } from './context.js';

/** True when `a` is to leave before `b`; NaN leaves first. */
type Worse = (a: Sample, b: Sample) => boolean;

const smaller: Worse = (a, b) => Number.isNaN(a.value) || a.value < b.value;
const larger: Worse = (a, b) => Number.isNaN(a.value) || a.value > b.value;

/**
 * The `size` largest (or smallest) samples, the best first; NaN is worse than any number. Which ones of equal samples stay follows from
 * the layout of a binary heap, so it is the one of Go's container/heap, filled as Prometheus 2.42 does (promql/engine.go, aggregation).
 */
export function best(samples: readonly Sample[], size: number, largest: boolean): Sample[] {
  if (size < 1) return [];
  const worse = largest ? smaller : larger;
  const heap: Sample[] = [];
  for (const { labels, value } of samples) {
    const sample = { labels, value };
    const worst = heap[0];
    if (!worst || heap.length < size) {
      heap.push(sample);
      rise(heap, worse);
    } else if (isBetter(sample, worst, largest)) {
      heap[0] = sample;
      sink(heap, worse);
    }
  }
  return heap.sort((a, b) => (worse(b, a) ? -1 : worse(a, b) ? 1 : 0));
}

function isBetter({ value }: Sample, { value: worst }: Sample, largest: boolean): boolean {
  return (largest ? worst < value : worst > value) || (Number.isNaN(worst) && !Number.isNaN(value));
}

function swap(heap: Sample[], i: number, j: number): void {
  [heap[i], heap[j]] = [heap[j] as Sample, heap[i] as Sample];
}

/** Moves the last sample up to its place. */
function rise(heap: Sample[], worse: Worse): void {
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (!worse(heap[at] as Sample, heap[parent] as Sample)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

/** Moves the first sample down to its place. */
function sink(heap: Sample[], worse: Worse): void {
  for (let at = 0; ; ) {
    let child = 2 * at + 1;
    if (child >= heap.length) return;
    const other = child + 1;
    if (other < heap.length && worse(heap[other] as Sample, heap[child] as Sample)) child = other;
    if (!worse(heap[child] as Sample, heap[at] as Sample)) return;
    swap(heap, at, child);
    at = child;
  }
}
