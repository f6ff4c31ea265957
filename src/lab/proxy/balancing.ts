import type { Random } from '../../base/random.js';
import type { Cluster } from '../../mesh/types.js';

interface Candidate {
  readonly active: number;
  readonly endpoint: { readonly ip: string; readonly targetPort: number };
}

/** FNV-1a with a final mix, so that addresses which differ in one digit spread over the whole range. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Rendezvous hashing: the host with the highest hash of key and address. It has the property that matters of a ring
 * (a key keeps its host, a lost host moves only its own keys) and needs no ring to be rebuilt.
 */
function byHash<H extends Candidate>(hosts: readonly H[], key: string): H {
  return hosts.reduce((best, host) =>
    hash(`${key}|${host.endpoint.ip}:${host.endpoint.targetPort}`) >
    hash(`${key}|${best.endpoint.ip}:${best.endpoint.targetPort}`)
      ? host
      : best,
  );
}

/**
 * One host of a non-empty list.
 * @param rotation rises by one per draw; round robin follows it.
 */
export function choose<H extends Candidate>(
  policy: Cluster['balancing'],
  hosts: readonly H[],
  random: Random,
  rotation: number,
  hashKey: string | undefined,
): H {
  const at = (index: number): H => hosts[index % hosts.length] as H;
  const drawn = () => at(Math.floor(random() * hosts.length));
  if (hosts.length === 1) return at(0);
  switch (policy) {
    case 'round-robin':
      return at(rotation);
    case 'ring-hash':
      return hashKey === undefined ? drawn() : byHash(hosts, hashKey);
    case 'random':
    case 'original-dst':
      return drawn();
    case 'least-request': {
      // Power of two choices, with replacement; the first drawn wins a tie (Envoy's LeastRequestLoadBalancer).
      const first = drawn();
      const second = drawn();
      return second.active < first.active ? second : first;
    }
  }
}
