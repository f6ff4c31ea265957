import type { Endpoint } from './types.js';

/** Overprovisioning factor: a priority with 72 % healthy hosts still takes everything. */
const OVERPROVISIONING = 1.4;

/** How many hosts a priority or a locality has, and how many of them may take requests. */
export interface Tier {
  readonly healthy: number;
  readonly total: number;
}

/**
 * Parts of the requests that priorities 0, 1, .. take, together 1 or, where nobody is healthy, 0. Envoy reckons in whole per cent: the health
 * of a priority is `min(100, 140 healthy / total)`, each takes its own of what the earlier ones left, and what is missing of 100 in all is
 * made up in proportion.
 */
export function priorityLoads(tiers: readonly Tier[]): number[] {
  const health = tiers.map(({ healthy, total }) =>
    total === 0 ? 0 : Math.min(100, Math.floor((100 * OVERPROVISIONING * healthy) / total)),
  );
  const available = Math.min(
    100,
    health.reduce((sum, each) => sum + each, 0),
  );
  if (available === 0) return tiers.map(() => 0);
  let left = 100;
  const loads = health.map((each) => {
    const load = Math.min(left, Math.floor((each * 100) / available));
    left -= load;
    return load;
  });
  // What rounding leaves goes to the first that is healthy at all.
  const first = health.findIndex((each) => each > 0);
  return loads.map((load, index) => (load + (index === first ? left : 0)) / 100);
}

/**
 * Parts of the requests of one priority that its localities take, together 1 or, where nobody is healthy, 0: in proportion to their weights, of
 * which less counts as soon as less than 72 % of a locality's hosts are healthy.
 */
function localityLoads(localities: readonly (Tier & { readonly weight: number })[]): number[] {
  const weights = localities.map(({ healthy, total, weight }) =>
    total === 0 ? 0 : weight * Math.min(1, (OVERPROVISIONING * healthy) / total),
  );
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => (sum === 0 ? 0 : weight / sum));
}

/** Groups by priority, 0 first. */
export function byPriority<T>(items: readonly T[], priority: (item: T) => number): T[][] {
  const groups: T[][] = [];
  for (const item of items) {
    const at = priority(item);
    while (groups.length <= at) groups.push([]);
    groups[at]?.push(item);
  }
  return groups;
}

/** Endpoints of one priority by the name of their locality: one group where localities have no weights. */
export function byLocality(tier: readonly Endpoint[]): ReadonlyMap<string, Endpoint[]> {
  const groups = new Map<string, Endpoint[]>();
  for (const endpoint of tier) {
    const name = endpoint.locality?.name ?? '';
    const known = groups.get(name);
    if (known) known.push(endpoint);
    else groups.set(name, [endpoint]);
  }
  return groups;
}

interface Group {
  /** Those that may take requests. */
  readonly healthy: readonly Endpoint[];
  readonly load: number;
}

/**
 * Among which endpoints a proxy draws, and the part of the requests that each group takes: a priority, or a locality of it where localities
 * have weights.
 */
export const groupsOf = (endpoints: readonly Endpoint[], isHealthy: (endpoint: Endpoint) => boolean): Group[] => {
  const tiers = byPriority(endpoints, ({ priority = 0 }) => priority);
  const loads = priorityLoads(tiers.map((tier) => ({ healthy: tier.filter(isHealthy).length, total: tier.length })));
  return tiers.flatMap((tier, index) => {
    const groups = [...byLocality(tier).values()].map((members) => ({
      members: members.filter(isHealthy),
      total: members.length,
      weight: members[0]?.locality?.weight ?? 1,
    }));
    const parts = localityLoads(groups.map((group) => ({ ...group, healthy: group.members.length })));
    return groups.map(({ members }, position) => ({
      healthy: members,
      load: (loads[index] ?? 0) * (parts[position] ?? 0),
    }));
  });
};
