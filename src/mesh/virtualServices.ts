import { expandHost, type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { byAge } from './age.js';
import { gatewayRef } from './matches.js';
import { perObject } from './memo.js';
import { records, texts } from './read.js';
import { exportedTo, hostMatches } from './services.js';
import type { Rule } from './virtualServiceRoutes.js';

/** Hosts of a VirtualService, short names expanded by its own namespace. */
export const hostsOf = perObject((object: KubeObject): readonly string[] =>
  texts(object.spec?.hosts).map((host) => expandHost(host, namespaceOf(object))),
);

/** `mesh` or `namespace/name`; none written means sidecars only. */
export const gatewaysOf = perObject((object: KubeObject): readonly string[] => {
  const gateways = texts(object.spec?.gateways);
  return gateways.length === 0 ? ['mesh'] : gateways.map((name) => gatewayRef(name, namespaceOf(object)));
});

export type Visibility = 'private' | 'named' | 'public';

/** private: exported to the client's own namespace alone, which is the object's; named: to it by name; undefined: not to it. */
export function visibilityOf(
  object: KubeObject,
  namespace: string,
  defaultExportTo: readonly string[],
): Visibility | undefined {
  const written = texts(object.spec?.exportTo);
  const exportTo = written.length > 0 ? written : defaultExportTo;
  const owner = namespaceOf(object);
  if (!exportedTo(exportTo, owner, namespace)) return undefined;
  if (exportTo.length === 0 || exportTo.includes('*')) return 'public';
  return owner === namespace && exportTo.every((entry) => entry === '.' || entry === namespace) ? 'private' : 'named';
}

/**
 * Visible to clients of the namespace, in order of precedence: private to it, exported to it by name, public;
 * inside a group oldest first, then by name, then by namespace.
 * @param byAge in that last order already.
 */
export function visibleVirtualServices(
  byAge: readonly KubeObject[],
  namespace: string,
  defaultExportTo: readonly string[],
): KubeObject[] {
  const groups: Record<Visibility, KubeObject[]> = { private: [], named: [], public: [] };
  for (const object of byAge) {
    const visibility = visibilityOf(object, namespace, defaultExportTo);
    if (visibility) groups[visibility].push(object);
  }
  return [...groups.private, ...groups.named, ...groups.public];
}

/** Whether clients of the namespace, to which both are visible, are told of `a` first; never of an object before itself. */
export function precedes(a: KubeObject, b: KubeObject, namespace: string, defaultExportTo: readonly string[]): boolean {
  const rank = (object: KubeObject): number =>
    ['private', 'named', 'public'].indexOf(visibilityOf(object, namespace, defaultExportTo) ?? 'public');
  return rank(a) - rank(b) < 0 || (rank(a) === rank(b) && byAge(a, b) < 0);
}

/** Which VirtualService holds which Service, and which hosts belong to no Service. */
export interface HostOwners {
  /** Service FQDN -> VirtualServices that claim it, the winner first. */
  readonly services: ReadonlyMap<string, readonly KubeObject[]>;
  /** Other host -> its VirtualServices, the winner first. */
  readonly others: ReadonlyMap<string, readonly KubeObject[]>;
}

/** One VirtualService wins a host whole; an exact host beats a wildcard at any age, a longer wildcard a shorter one. */
export function ownersOf(
  ordered: readonly KubeObject[],
  services: Pick<ReadonlyMap<string, unknown>, 'has' | 'keys'>,
): HostOwners {
  const owned = new Map<string, KubeObject[]>();
  const others = new Map<string, KubeObject[]>();
  const wildcards = new Map<string, KubeObject[]>();
  for (const object of ordered) {
    for (const host of hostsOf(object)) {
      const map = host.includes('*') ? wildcards : services.has(host) ? owned : others;
      const known = map.get(host);
      if (!known) map.set(host, [object]);
      else if (known.at(-1) !== object) known.push(object);
    }
  }
  const longestFirst = [...wildcards].sort(([a], [b]) => b.length - a.length);
  const used = new Set<string>();
  if (longestFirst.length > 0) {
    for (const fqdn of services.keys()) {
      for (const [pattern, objects] of longestFirst) {
        if (!hostMatches(pattern, fqdn)) continue;
        used.add(pattern);
        owned.set(fqdn, [...(owned.get(fqdn) ?? []), ...objects]);
      }
    }
  }
  for (const [pattern, objects] of wildcards) if (!used.has(pattern)) others.set(pattern, objects);
  return { services: owned, others };
}

export const httpRules = (object: KubeObject): Rule[] =>
  records(object.spec?.http).map((fields, index) => ({ fields, object, field: `spec.http[${index}]` }));

/** Rules of one VirtualService, delegates resolved. */
export type RulesOf = (object: KubeObject) => readonly Rule[];
