/**
 * Undoes Snappy's block format (google/snappy, format_description.txt), which is what remote write sends: a length, then literals and
 * copies of what is already there.
 * @param mostBytes refuses to unpack more, whatever the length says.
 * @throws Error worded like Prometheus' decoder
 */
export function unpackSnappy(packed: Uint8Array, mostBytes: number): Uint8Array {
  const corrupt = () => new Error('snappy: corrupt input');
  let at = 0;
  const byte = (): number => {
    const value = packed[at];
    if (value === undefined) throw corrupt();
    at += 1;
    return value;
  };
  const little = (bytes: number): number => {
    let value = 0;
    for (let i = 0; i < bytes; i++) value += byte() * 2 ** (8 * i);
    return value;
  };

  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const part = byte();
    length += (part & 0x7f) * 2 ** shift;
    if (part < 0x80) break;
    if (shift >= 28) throw corrupt();
  }
  if (length > mostBytes) throw new Error('snappy: decoded block is too large');

  const out = new Uint8Array(length);
  let filled = 0;
  const literal = (size: number) => {
    if (at + size > packed.length || filled + size > length) throw corrupt();
    out.set(packed.subarray(at, at + size), filled);
    at += size;
    filled += size;
  };
  const copy = (size: number, offset: number) => {
    if (offset === 0 || offset > filled || filled + size > length) throw corrupt();
    // A copy may reach into what it writes itself: that is how runs are written.
    for (const end = filled + size; filled < end; filled++) out[filled] = out[filled - offset] as number;
  };
  while (at < packed.length) {
    const tag = byte();
    const rest = tag >> 2;
    switch (tag & 3) {
      case 0:
        literal(rest < 60 ? rest + 1 : little(rest - 59) + 1);
        break;
      case 1:
        copy((rest & 7) + 4, ((tag >> 5) << 8) | byte());
        break;
      case 2:
        copy(rest + 1, little(2));
        break;
      default:
        copy(rest + 1, little(4));
    }
  }
  if (filled !== length) throw corrupt();
  return out;
}
