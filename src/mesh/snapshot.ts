import { apiGroup, type KubeObject } from '../base/kubernetes.js';
import { byAge } from './age.js';
import { isWorkload } from './pods.js';
import type { MeshObjects } from './types.js';

/** The kinds that a mesh is compiled from. */
const SECTIONS = [
  'services',
  'virtualServices',
  'destinationRules',
  'gateways',
  'sidecars',
  'serviceEntries',
  'workloadEntries',
  'peerAuthentications',
  'authorizationPolicies',
  'telemetries',
  'kubernetesGateways',
  'httpRoutes',
  'grpcRoutes',
  'referenceGrants',
  'slices',
  'pods',
  'nodes',
  'workloads',
  'namespaces',
  'meshConfigs',
] as const;
export type Section = (typeof SECTIONS)[number];

/** Objects by kind, oldest first. A section is the same array as before as long as none of its objects changed. */
export type Snapshot = Readonly<Record<Section, readonly KubeObject[]>>;

const ISTIO: Readonly<Record<string, Section>> = {
  VirtualService: 'virtualServices',
  DestinationRule: 'destinationRules',
  Gateway: 'gateways',
  Sidecar: 'sidecars',
  ServiceEntry: 'serviceEntries',
  WorkloadEntry: 'workloadEntries',
};

const GATEWAY_API: Readonly<Record<string, Section>> = {
  Gateway: 'kubernetesGateways',
  GRPCRoute: 'grpcRoutes',
  ReferenceGrant: 'referenceGrants',
};

const SECURITY: Readonly<Record<string, Section>> = {
  PeerAuthentication: 'peerAuthentications',
  AuthorizationPolicy: 'authorizationPolicies',
};

function sectionOf(object: KubeObject): Section | undefined {
  const { kind, apiVersion, metadata } = object;
  const group = apiGroup(apiVersion);
  if (group === 'networking.istio.io') return ISTIO[kind];
  if (group === 'security.istio.io') return SECURITY[kind];
  if (group === 'telemetry.istio.io') return kind === 'Telemetry' ? 'telemetries' : undefined;
  if (kind === 'HTTPRoute') return 'httpRoutes';
  if (group === 'gateway.networking.k8s.io') return GATEWAY_API[kind];
  if (apiVersion === 'v1' && kind === 'Service') return 'services';
  if (kind === 'Pod') return 'pods';
  if (apiVersion === 'v1' && kind === 'Node') return 'nodes';
  if (kind === 'EndpointSlice') return 'slices';
  if (kind === 'Namespace') return 'namespaces';
  if (isWorkload(object)) return 'workloads';
  const mesh = kind === 'ConfigMap' && metadata.name === 'istio' && metadata.namespace === 'istio-system';
  return mesh ? 'meshConfigs' : undefined;
}

export function snapshotOf(objects: MeshObjects): Snapshot {
  const sections = Object.fromEntries(SECTIONS.map((section) => [section, [] as KubeObject[]])) as Record<
    Section,
    KubeObject[]
  >;
  for (const object of objects) {
    const section = sectionOf(object);
    if (section) sections[section].push(object);
  }
  for (const section of SECTIONS) sections[section].sort(byAge);
  return sections;
}

export interface Change {
  readonly removed: readonly KubeObject[];
  readonly added: readonly KubeObject[];
}

/** Beyond so many changed objects it is as quick to begin anew. */
const MOST_CHANGES = 500;

/**
 * What became of a list of objects; undefined: too much. The same object, or one of the same uid and resourceVersion, has not changed;
 * order means nothing.
 */
export function changeBetween(before: MeshObjects, after: MeshObjects): Change | undefined {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && same(before[start], after[start])) start++;
  let end = 0;
  while (end < shorter - start && same(before[before.length - 1 - end], after[after.length - 1 - end])) end++;
  const [old, young] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  const keys = new Map<unknown, number>();
  for (const object of old) keys.set(identity(object), (keys.get(identity(object)) ?? 0) + 1);
  const added = young.filter((object) => {
    const left = keys.get(identity(object)) ?? 0;
    if (left > 0) keys.set(identity(object), left - 1);
    return left === 0;
  });
  const removed = old.filter((object) => {
    const left = keys.get(identity(object)) ?? 0;
    if (left > 0) keys.set(identity(object), left - 1);
    return left > 0;
  });
  return added.length + removed.length > MOST_CHANGES ? undefined : { removed, added };
}

/** Whether an object, or another reading of it, is one of these. */
export function among(objects: readonly KubeObject[]): (object: KubeObject) => boolean {
  const names = new Set(objects.map(({ metadata }) => metadata.name));
  const identities = new Set(objects.map(identity));
  // Names first: their hashes are known, while each identity is a new string.
  return (object) => names.has(object.metadata.name) && identities.has(identity(object));
}

/** Objects of the same identity have the same content: one object, or readings of one version of it. */
const identity = (object: KubeObject): unknown => {
  const { uid, resourceVersion } = object.metadata;
  return uid && resourceVersion ? `${uid} ${resourceVersion}` : object;
};

const same = (a: KubeObject | undefined, b: KubeObject | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && sameRevision(a.metadata, b.metadata));

const sameRevision = (a: KubeObject['metadata'], b: KubeObject['metadata']): boolean =>
  Boolean(a.uid && a.resourceVersion) && a.uid === b.uid && a.resourceVersion === b.resourceVersion;

export function changedSnapshot(before: Snapshot, { removed, added }: Change): Snapshot {
  const next: Record<Section, readonly KubeObject[]> = { ...before };
  const touched = new Set([...removed, ...added].flatMap((object) => sectionOf(object) ?? []));
  const isGone = among(removed);
  for (const section of touched) {
    const kept = before[section].filter((object) => !isGone(object));
    next[section] = [...kept, ...added.filter((object) => sectionOf(object) === section)].sort(byAge);
  }
  return next;
}
