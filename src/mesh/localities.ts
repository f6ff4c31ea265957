import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { perObject } from './memo.js';
import { records, text } from './read.js';
import type { MeshObjects } from './types.js';

/** `region/zone/subzone`; what is not known is empty. */
export type Locality = string;

export const REGION = 'topology.kubernetes.io/region';
export const ZONE = 'topology.kubernetes.io/zone';
export const SUBZONE = 'topology.istio.io/subzone';
/** A pod's own word, with dots for slashes, stands before what its node says. */
const OWN = 'istio-locality';

/** Where a pod runs, as Istio takes it; undefined: neither the pod nor its node says. */
export function localityOf(pod: KubeObject, node: KubeObject | undefined): Locality | undefined {
  const own = pod.metadata.labels?.[OWN];
  if (own) return own.includes('/') ? own : own.replaceAll('.', '/');
  const { [REGION]: region = '', [ZONE]: zone = '', [SUBZONE]: subzone = '' } = node?.metadata.labels ?? {};
  return region || zone || subzone ? `${region}/${zone}/${subzone}` : undefined;
}

/** Localities by `namespace/name` of pods and WorkloadEntries, and by `namespace/name/address` of what a ServiceEntry lists. */
export type Localities = ReadonlyMap<string, Locality>;

/** Objects that tell where something runs. */
export interface LocatedObjects {
  readonly pods: readonly KubeObject[];
  readonly nodes: readonly KubeObject[];
  readonly workloadEntries: readonly KubeObject[];
  readonly serviceEntries: readonly KubeObject[];
}

interface Located {
  readonly of: LocatedObjects;
  readonly localities: Localities | undefined;
}

const known = perObject((_pods: readonly KubeObject[]): { last?: Located } => ({}));

/** Of all of them; undefined where none is known, so that nothing depends on them. */
export function localitiesOf({ pods, nodes, workloadEntries, serviceEntries }: LocatedObjects): Localities | undefined {
  const kept = known(pods);
  const { of } = kept.last ?? {};
  if (of?.nodes === nodes && of.workloadEntries === workloadEntries && of.serviceEntries === serviceEntries) {
    return kept.last?.localities;
  }
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]));
  const found = new Map<string, Locality>();
  const key = (object: KubeObject) => `${namespaceOf(object)}/${object.metadata.name}`;
  for (const pod of pods) {
    const locality = localityOf(pod, byName.get(text(pod.spec?.nodeName) ?? ''));
    if (locality !== undefined) found.set(key(pod), locality);
  }
  for (const entry of workloadEntries) {
    const locality = text(entry.spec?.locality);
    if (locality) found.set(key(entry), locality);
  }
  for (const entry of serviceEntries) {
    for (const { address, locality } of records(entry.spec?.endpoints)) {
      if (text(locality)) found.set(`${key(entry)}/${address}`, text(locality) ?? '');
    }
  }
  const localities = found.size > 0 ? found : undefined;
  kept.last = { of: { pods, nodes, workloadEntries, serviceEntries }, localities };
  return localities;
}

/** Locality of a pod among the objects of a cluster. */
export const localityAmong = (objects: MeshObjects, pod: KubeObject): Locality | undefined =>
  localityOf(
    pod,
    objects.find(({ kind, metadata }) => kind === 'Node' && metadata.name === text(pod.spec?.nodeName)),
  );
