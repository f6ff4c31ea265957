import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isAddress, subnetHolds } from '../../src/base/addresses.js';

const RUNS = { seed: 11, numRuns: 2000 };
const address = fc.oneof(fc.ipV4(), fc.ipV6());

it('tells addresses from other texts as Node does', () => {
  const text = fc.oneof(
    address,
    fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
    fc.constantFrom(
      '::ffff:10.0.0.1',
      '1::2::3',
      ':::',
      '256.1.1.1',
      '::',
      'a.b',
      '1:2:3:4:5:6:7:8:9',
      '::1:2:3:4:5:6:7:8',
    ),
  );
  fc.assert(
    // Node takes no leading zeros in IPv4 parts, which nothing here depends on.
    fc.property(text, (value) => {
      if (/(^|[.:])0\d+\.|\.0\d/.test(value)) return;
      expect(isAddress(value), value).toBe(isIP(value) > 0);
    }),
    RUNS,
  );
});

it('finds the addresses of a subnet that Node finds', () => {
  fc.assert(
    fc.property(address, address, fc.nat(128), fc.boolean(), (network, other, written, same) => {
      const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
      const length = Math.min(written, family === 'ipv6' ? 128 : 32);
      const asked = same ? network : other;
      const list = new BlockList();
      list.addSubnet(network, length, family);
      const held = isIP(asked) === isIP(network) && list.check(asked, family);
      expect(subnetHolds(`${network}/${length}`, asked)).toBe(held ? length : undefined);
    }),
    RUNS,
  );
});

it.each([
  ['one address is a subnet of its own', '10.0.0.1', '10.0.0.1', 32],
  ['another address is not in it', '10.0.0.1', '10.0.0.2', undefined],
  ['a length beyond the address means nothing', '10.0.0.0/33', '10.0.0.0', undefined],
  ['a text is in no subnet', '10.0.0.0/8', 'shop', undefined],
])('%s', (_says, subnet, asked, expected) => {
  expect(subnetHolds(subnet, asked)).toBe(expected);
});
