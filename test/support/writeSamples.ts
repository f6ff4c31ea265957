import type { Series } from '../../src/lab/prometheus/series.js';

/** Bytes of Prometheus' staleness marker, little endian: a NaN that JavaScript's numbers would not keep. */
const STALE = Buffer.from([2, 0, 0, 0, 0, 0, 0xf0, 0x7f]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = BigInt(value);
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Buffer.from([...bytes, Number(left)]);
}

/** A length-delimited field of a protocol buffer. */
const field = (number: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length), content]);

function sample(series: Series, index: number): Buffer {
  const value = Buffer.alloc(8);
  if (series.isStale(index)) STALE.copy(value);
  else value.writeDoubleLE(series.valueAt(index));
  return Buffer.concat([Buffer.from([0x09]), value, Buffer.from([0x10]), varint(series.timeAt(index))]);
}

function timeSeries(series: Series): Buffer {
  const labels = [...series.labels].map(([name, value]) =>
    field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
  );
  const samples = Array.from({ length: series.length }, (_, index) => field(2, sample(series, index)));
  return field(1, Buffer.concat([...labels, ...samples]));
}

/** Snappy's block format without any compression: the length, then literals. */
function snappy(content: Buffer): Buffer {
  const parts = [varint(content.length)];
  for (let at = 0; at < content.length; at += 65_536) {
    const literal = content.subarray(at, at + 65_536);
    const length = literal.length - 1;
    parts.push(Buffer.from([61 << 2, length & 255, length >> 8]), literal);
  }
  return Buffer.concat(parts);
}

const SERIES_A_REQUEST = 500;

/**
 * Sends whole series to a Prometheus by its remote-write protocol (version 1): times to the millisecond, values to the last bit, stale
 * markers included, none of which a backfill from OpenMetrics keeps.
 */
export async function writeSamples(url: string, series: Iterable<Series>): Promise<void> {
  const all = [...series].filter(({ length }) => length > 0);
  for (let at = 0; at < all.length; at += SERIES_A_REQUEST) {
    const body = snappy(Buffer.concat(all.slice(at, at + SERIES_A_REQUEST).map(timeSeries)));
    const response = await fetch(`${url}/api/v1/write`, {
      method: 'POST',
      headers: {
        'content-encoding': 'snappy',
        'content-type': 'application/x-protobuf',
        'x-prometheus-remote-write-version': '0.1.0',
      },
      body: new Uint8Array(body),
    });
    if (response.status !== 204) throw new Error(`remote write: ${response.status} ${await response.text()}`);
  }
}
