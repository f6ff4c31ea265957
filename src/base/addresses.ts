/** An IP address as a number. */
interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** undefined: it is no IPv4 or IPv6 address. */
function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

export const isAddress = (text: string): boolean => parseAddress(text) !== undefined;

function parseIpv4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return { bits: 32, value: parts.reduce((value, part) => value * 256n + BigInt(part), 0n) };
}

function parseIpv6(text: string): Address | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':').flatMap(groups)));
  const given = [...(head ?? []), ...(tail ?? [])];
  const missing = 8 - given.length;
  if (given.some((group) => !/^[0-9a-f]{1,4}$/i.test(group)) || (tail ? missing < 1 : missing !== 0)) return undefined;
  const all = tail ? [...(head ?? []), ...new Array<string>(missing).fill('0'), ...tail] : given;
  return { bits: 128, value: all.reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n) };
}

/** An IPv4 address at the end counts as two groups. */
function groups(part: string): string[] {
  const embedded = part.includes('.') ? parseIpv4(part) : undefined;
  return embedded ? [(embedded.value >> 16n).toString(16), (embedded.value & 65_535n).toString(16)] : [part];
}

/** Bits of the subnet (`10.0.0.0/8`, or one address) when it holds the address; undefined: it does not, or one of them is none. */
export function subnetHolds(subnet: string, address: string): number | undefined {
  const [network = '', written] = subnet.split('/');
  const [whole, one] = [parseAddress(network), parseAddress(address)];
  if (!whole || !one || whole.bits !== one.bits) return undefined;
  const length = written === undefined ? whole.bits : Number(written);
  if (!Number.isInteger(length) || length < 0 || length > whole.bits) return undefined;
  const rest = BigInt(whole.bits - length);
  return whole.value >> rest === one.value >> rest ? length : undefined;
}
