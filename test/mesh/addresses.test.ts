import { expect, it } from 'vitest';
import { isAddress, subnetHolds } from '../../src/base/addresses.js';

it.each([
  ['an IPv4 address', '10.0.0.1', true],
  ['an IPv6 address', '::ffff:10.0.0.1', true],
  ['a host name', 'a.b', false],
  ['too large a part', '256.1.1.1', false],
])('%s is an address or none', (_says, text, expected) => {
  expect(isAddress(text)).toBe(expected);
});

it.each([
  ['an address lies in its subnet', '10.0.0.0/8', '10.200.0.1', 8],
  ['and not in another one', '10.0.0.0/8', '11.0.0.1', undefined],
  ['a subnet of IPv6', 'fd00::/16', 'fd00::7', 16],
  ['has no IPv4 address', '::/0', '10.0.0.1', undefined],
  ['everything', '0.0.0.0/0', '10.0.0.1', 0],
  ['one address is a subnet of its own', '10.0.0.1', '10.0.0.1', 32],
  ['another address is not in it', '10.0.0.1', '10.0.0.2', undefined],
  ['a length beyond the address means nothing', '10.0.0.0/33', '10.0.0.0', undefined],
  ['a text is in no subnet', '10.0.0.0/8', 'shop', undefined],
])('%s', (_says, subnet, asked, expected) => {
  expect(subnetHolds(subnet, asked)).toBe(expected);
});
