/** One series as a sender writes it; values may be given as bits, for a NaN that means something. */
export interface SentSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [timeMs: number, value: number | bigint])[];
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

const field = (number: number, wire: number): number[] => varint(BigInt((number << 3) | wire));
const nested = (number: number, bytes: readonly number[]): number[] => [
  ...field(number, 2),
  ...varint(BigInt(bytes.length)),
  ...bytes,
];

function double(value: number | bigint): number[] {
  const view = new DataView(new ArrayBuffer(8));
  if (typeof value === 'bigint') view.setBigUint64(0, value, true);
  else view.setFloat64(0, value, true);
  return [...new Uint8Array(view.buffer)];
}

/** `prometheus.WriteRequest` as protobuf, with metadata as real senders add it. */
export function writeRequest(series: readonly SentSeries[]): Uint8Array {
  const text = (value: string) => [...new TextEncoder().encode(value)];
  return Uint8Array.from([
    ...series.flatMap(({ labels, samples }) =>
      nested(1, [
        ...Object.entries(labels).flatMap(([name, value]) =>
          nested(1, [...nested(1, text(name)), ...nested(2, text(value))]),
        ),
        ...samples.flatMap(([timeMs, value]) =>
          nested(2, [...field(1, 1), ...double(value), ...field(2, 0), ...varint(BigInt(timeMs))]),
        ),
      ]),
    ),
    ...nested(3, [...field(1, 0), 1, ...nested(2, text('some_total'))]),
  ]);
}

/** Snappy's block format, greedy: every repetition of four bytes or more becomes a copy, in all three of its forms. */
export function packSnappy(bytes: Uint8Array): Uint8Array {
  const out: number[] = varint(BigInt(bytes.length));
  const seen = new Map<string, number>();
  let pending = 0;
  const literal = (until: number) => {
    while (pending < until) {
      const size = Math.min(until - pending, 65_536);
      if (size <= 60) out.push((size - 1) << 2);
      else if (size <= 256) out.push(60 << 2, size - 1);
      else out.push(61 << 2, (size - 1) & 0xff, (size - 1) >> 8);
      for (const byte of bytes.subarray(pending, pending + size)) out.push(byte);
      pending += size;
    }
  };
  for (let at = 0; at + 4 <= bytes.length; ) {
    const key = bytes.subarray(at, at + 4).join();
    const found = seen.get(key);
    seen.set(key, at);
    if (found === undefined) {
      at += 1;
      continue;
    }
    literal(at);
    let size = 4;
    while (size < 64 && at + size < bytes.length && bytes[found + size] === bytes[at + size]) size += 1;
    const offset = at - found;
    if (size <= 11 && offset < 2048) out.push(((offset >> 8) << 5) | ((size - 4) << 2) | 1, offset & 0xff);
    else if (offset < 65_536) out.push(((size - 1) << 2) | 2, offset & 0xff, offset >> 8);
    else out.push(((size - 1) << 2) | 3, offset & 0xff, (offset >> 8) & 0xff, (offset >> 16) & 0xff, offset >>> 24);
    at += size;
    pending = at;
  }
  literal(bytes.length);
  return Uint8Array.from(out);
}

/** Sends a remote write as its protocol 1.0 asks. */
export async function remoteWrite(
  url: string,
  series: readonly SentSeries[],
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: {
      'content-encoding': 'snappy',
      'content-type': 'application/x-protobuf',
      'x-prometheus-remote-write-version': '0.1.0',
    },
    body: Buffer.from(packSnappy(writeRequest(series))),
  });
  return { status: response.status, text: await response.text() };
}
