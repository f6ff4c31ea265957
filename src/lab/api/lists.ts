import type { ResourceKind } from '../control/resources.js';

/**
 * How a list merges, as Kubernetes' own types declare it: by key fields, as a set of values, or replaced as a whole.
 * Lists of custom resources are atomic, as Istio's definitions declare nothing else.
 */
export type ListRule =
  | { readonly kind: 'map'; readonly keys: readonly string[] }
  | { readonly kind: 'set' }
  | { readonly kind: 'atomic' };

const ATOMIC: ListRule = { kind: 'atomic' };
const SET: ListRule = { kind: 'set' };
const by = (...keys: string[]): ListRule => ({ kind: 'map', keys });

const METADATA: Readonly<Record<string, ListRule>> = { finalizers: SET, ownerReferences: by('uid') };

const BUILT_IN: Readonly<Record<string, ListRule>> = {
  containers: by('name'),
  initContainers: by('name'),
  ephemeralContainers: by('name'),
  env: by('name'),
  volumes: by('name'),
  volumeMounts: by('mountPath'),
  volumeDevices: by('devicePath'),
  imagePullSecrets: by('name'),
  secrets: by('name'),
  hostAliases: by('ip'),
  conditions: by('type'),
  readinessGates: ATOMIC,
  resourceClaims: by('name'),
  topologySpreadConstraints: by('topologyKey', 'whenUnsatisfiable'),
  podIPs: by('ip'),
  hostIPs: by('ip'),
  loadBalancerSourceRanges: ATOMIC,
};

/** The key that stands for a field the author may leave out (CRD and API defaults of list keys). */
const KEY_DEFAULTS: Readonly<Record<string, string>> = { protocol: 'TCP' };

/**
 * The rule of the list at `field`, whose parent object is the value of `parent` (`spec`, or the list's name for list items).
 */
export function listRule(entry: ResourceKind, parent: string, field: string): ListRule {
  if (parent === 'metadata' && METADATA[field]) return METADATA[field];
  if (entry.custom) return entry.group === 'gateway.networking.k8s.io' && field === 'listeners' ? by('name') : ATOMIC;
  if (field === 'ports') {
    if (/ontainers$/.test(parent)) return by('containerPort', 'protocol');
    return parent === 'spec' && entry.kind === 'Service' ? by('port', 'protocol') : ATOMIC;
  }
  if (parent === 'spec' && entry.kind === 'Node' && field === 'taints') return ATOMIC;
  return Object.hasOwn(BUILT_IN, field) ? (BUILT_IN[field] ?? ATOMIC) : ATOMIC;
}

export type Dict = Record<string, unknown>;

export const isDict = (value: unknown): value is Dict =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The values of a list item's key fields; undefined when the item lacks one, so that it cannot be merged. */
export function keyOf(item: unknown, keys: readonly string[]): Dict | undefined {
  if (!isDict(item)) return undefined;
  const key: Dict = {};
  for (const field of keys) {
    const value = item[field] ?? KEY_DEFAULTS[field];
    if (value === undefined) return undefined;
    key[field] = value;
  }
  return key;
}
