/** One series of a remote write; times in ms since the epoch, rising. */
export interface WrittenSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly WrittenSample[];
}

export interface WrittenSample {
  readonly timeMs: number;
  readonly value: number;
  /** Prometheus' staleness marker, whose bits a JavaScript number does not keep. */
  readonly stale: boolean;
}

const STALE_BITS = 0x7ff0000000000002n;

/** Fields of one protobuf message (protobuf.dev, "Encoding"): varints, 8 bytes, byte strings; 4 bytes are skipped. */
class Fields {
  private readonly view: DataView;
  private readonly end: number;
  private at: number;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.end = bytes.byteLength;
  }

  /** @returns the next field's number and value, undefined at the end. @throws Error in the middle of a field. */
  next(): { readonly field: number; readonly value: bigint | Uint8Array } | undefined {
    if (this.at >= this.end) return undefined;
    const tag = Number(this.varint());
    const field = tag >>> 3;
    switch (tag & 7) {
      case 0:
        return { field, value: this.varint() };
      case 1: {
        const at = this.skip(8);
        return { field, value: this.view.getBigUint64(at, true) };
      }
      case 2: {
        const size = Number(this.varint());
        const at = this.skip(size);
        return { field, value: new Uint8Array(this.view.buffer, this.view.byteOffset + at, size) };
      }
      case 5: {
        const at = this.skip(4);
        return { field, value: BigInt(this.view.getUint32(at, true)) };
      }
      default:
        throw new Error(`proto: illegal wireType ${tag & 7}`);
    }
  }

  private skip(size: number): number {
    const at = this.at;
    if (at + size > this.end) throw new Error('unexpected EOF');
    this.at += size;
    return at;
  }

  private varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = this.view.getUint8(this.skip(1));
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error('proto: integer overflow');
  }
}

/**
 * Reads `prometheus.WriteRequest` (prompb/remote.proto, types.proto): series with labels and samples. Metadata, exemplars and native
 * histograms are passed over.
 * @throws Error when the bytes are no such message
 */
export function readWriteRequest(bytes: Uint8Array): WrittenSeries[] {
  return messages(bytes, 1).map((series) => ({
    labels: messages(series, 1).map((label): [string, string] => [text(label, 1), text(label, 2)]),
    samples: messages(series, 2).map(readSample),
  }));
}

function readSample(bytes: Uint8Array): WrittenSample {
  const fields = new Fields(bytes);
  let bits = 0n;
  let timeMs = 0;
  for (let next = fields.next(); next; next = fields.next()) {
    if (next.field === 1 && typeof next.value === 'bigint') bits = next.value;
    if (next.field === 2 && typeof next.value === 'bigint') timeMs = Number(BigInt.asIntN(64, next.value));
  }
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return { timeMs, value: view.getFloat64(0), stale: bits === STALE_BITS };
}

function messages(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const fields = new Fields(bytes);
  for (let next = fields.next(); next; next = fields.next()) {
    if (next.field !== wanted) continue;
    if (typeof next.value === 'bigint') throw new Error(`proto: wrong wireType for field ${wanted}`);
    found.push(next.value);
  }
  return found;
}

const decoder = new TextDecoder('utf-8');
const text = (bytes: Uint8Array, field: number): string => decoder.decode(messages(bytes, field).at(-1));
