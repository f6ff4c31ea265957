import { subnetHolds } from '../base/addresses.js';

/**
 * Of candidates that are meant for destination subnets, or (none written) for every address, those that a proxy considers for one
 * address: only the most specific ones, since it never goes back to a wider subnet.
 * @param address undefined: nobody knows it, and nothing that is meant for subnets is taken.
 */
export function mostSpecificFor<T extends { readonly subnets: readonly string[] }>(
  address: string | undefined,
  candidates: readonly T[],
): T[] {
  const lengths = candidates.map(({ subnets }) => prefixLength(address, subnets));
  const longest = Math.max(...lengths);
  return longest < 0 ? [] : candidates.filter((_, index) => lengths[index] === longest);
}

/** Bits of the longest subnet that holds the address; 0: meant for every address; -1: none holds it. */
export function prefixLength(address: string | undefined, subnets: readonly string[]): number {
  // Istio leaves a subnet of all addresses out, and a rule for no other is one for every address.
  const narrow = subnets.filter((subnet) => !subnet.startsWith('0.0.0.0'));
  if (narrow.length === 0) return 0;
  return Math.max(...narrow.map((subnet) => (address === undefined ? undefined : subnetHolds(subnet, address)) ?? -1));
}
