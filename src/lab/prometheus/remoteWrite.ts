import { errorText } from '../../base/errors.js';
import { labelKey, makeLabels } from './labels.js';
import { unpackSnappy } from './snappy.js';
import type { Storage } from './storage.js';
import { readWriteRequest, type WrittenSample, type WrittenSeries } from './writeRequest.js';

/** Bound on one unpacked request. */
const MOST_BYTES = 32 * 1024 * 1024;

/** What a remote write is answered with: 204, or a refusal as plain text. */
export interface WriteAnswer {
  readonly status: 204 | 400;
  readonly text: string;
}

const refused = (text: string): WriteAnswer => ({ status: 400, text: `${text}\n` });

/**
 * Stores what a remote write (protocol 1.0: Snappy over protobuf) brings, all of it or nothing. Samples must be younger than the newest
 * of their series; the very same sample once more is no error, as in Prometheus, whose senders repeat what they are not sure of.
 */
export function storeWrite(body: Uint8Array, storage: Storage): WriteAnswer {
  let written: WrittenSeries[];
  try {
    written = readWriteRequest(unpackSnappy(body, MOST_BYTES));
  } catch (error) {
    return refused(errorText(error));
  }
  const rows = written.map(({ labels, samples }) => ({ labels: makeLabels(labels), samples }));
  const newest = new Map<string, { timeMs: number; value: number }>();
  for (const { labels, samples } of rows) {
    const key = labelKey(labels);
    let last = newest.get(key) ?? lastOf(storage, labels);
    for (const sample of samples) {
      if (last && sample.timeMs < last.timeMs) return refused('out of order sample');
      if (last && sample.timeMs === last.timeMs && !Object.is(sample.value, last.value))
        return refused('duplicate sample for timestamp');
      last = sample;
    }
    if (last) newest.set(key, last);
  }
  for (const { labels, samples } of rows) {
    const series = storage.open(labels);
    for (const sample of samples) append(storage, series, sample);
  }
  return { status: 204, text: '' };
}

function lastOf(storage: Storage, labels: Parameters<Storage['open']>[0]) {
  const series = storage.find(labels);
  if (!series || series.length === 0) return undefined;
  return { timeMs: series.lastTime, value: series.valueAt(series.length - 1) };
}

function append(storage: Storage, series: ReturnType<Storage['open']>, { timeMs, value, stale }: WrittenSample): void {
  if (stale) storage.appendStale(series, timeMs);
  else storage.append(series, timeMs, value);
}
