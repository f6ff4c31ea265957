import { BlockList, isIP } from 'node:net';

/** IPv4 or IPv6. */
export const isAddress = (text: string): boolean => isIP(text) !== 0;

/** Bits of the subnet (`10.0.0.0/8`, or one address) when it holds the address; undefined: it does not, or one of them is none. */
export function subnetHolds(subnet: string, address: string): number | undefined {
  const [network = '', written] = subnet.split('/');
  const version = isIP(network);
  const whole = version === 4 ? 32 : 128;
  const length = written === undefined ? whole : Number(written);
  if (version === 0 || isIP(address) !== version || !Number.isInteger(length) || length < 0 || length > whole)
    return undefined;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const subnets = new BlockList();
  subnets.addSubnet(network, length, family);
  return subnets.check(address, family) ? length : undefined;
}
