import { type KubeObject, labelsMatch, namespaceOf, objectRef } from '../base/kubernetes.js';
import { byAge } from './age.js';
import { podSelector, record, text } from './read.js';
import type { MeshWarning } from './types.js';

/** What a pod's proxy takes: plain text alone, both, or mutual TLS alone. */
type MutualTlsMode = 'disable' | 'permissive' | 'strict';

/** A mode, and where it is written; without a place it is the default. */
export interface PlacedMode {
  readonly mode: MutualTlsMode;
  /** `Kind/namespace/name` */
  readonly object?: string;
  readonly field?: string;
}

const MODES: Readonly<Record<string, MutualTlsMode>> = {
  DISABLE: 'disable',
  PERMISSIVE: 'permissive',
  STRICT: 'strict',
};

const PERMISSIVE: PlacedMode = { mode: 'permissive' };

const isForAll = (policy: KubeObject): boolean => Object.keys(podSelector(policy)).length === 0;

/**
 * The PeerAuthentications of a mesh as Istio composes them: of the mesh (root namespace), the namespace and the workload the oldest each;
 * the narrower one counts, unless it says UNSET.
 */
export class PeerPolicies {
  private readonly byAge: readonly KubeObject[];
  private readonly rootNamespace: string;

  constructor(policies: readonly KubeObject[], rootNamespace: string) {
    this.byAge = [...policies].sort(byAge);
    this.rootNamespace = rootNamespace;
  }

  /** @param port of the pod, not of a Service. */
  modeOf(namespace: string, podLabels: Readonly<Record<string, string>>, port: number): PlacedMode {
    const own = this.ownPolicy(namespace, podLabels);
    const whole = written(own?.spec?.mtls, own, 'spec.mtls.mode') ?? this.namespaceMode(namespace);
    const level = record(own?.spec?.portLevelMtls)[String(port)];
    return written(level, own, `spec.portLevelMtls.${port}.mode`) ?? whole;
  }

  /** Without regard to workloads. */
  namespaceMode(namespace: string): PlacedMode {
    for (const place of [namespace, this.rootNamespace]) {
      const policy = this.byAge.find((candidate) => isForAll(candidate) && namespaceOf(candidate) === place);
      const mode = written(policy?.spec?.mtls, policy, 'spec.mtls.mode');
      if (mode) return mode;
    }
    return PERMISSIVE;
  }

  /** Policies that never act, whatever the pods. */
  ignored(): MeshWarning[] {
    const first = new Map<string, KubeObject>();
    return this.byAge.flatMap((policy): MeshWarning[] => {
      const warning = (field: string, message: string) => [
        { code: 'PEER_AUTHENTICATION_IGNORED', object: objectRef(policy), field, message },
      ];
      const namespace = namespaceOf(policy);
      if (!isForAll(policy)) {
        if (namespace !== this.rootNamespace) return [];
        const message = `A policy of the root namespace ${namespace} that selects pods has no effect; move it to the pods' namespace, or remove the selector so that it counts for the whole mesh.`;
        return warning('spec.selector', message);
      }
      const older = first.get(namespace);
      if (!older) {
        first.set(namespace, policy);
        return [];
      }
      const message = `${objectRef(older)} counts for all of namespace ${namespace} already and is older; this policy has no effect. Remove one of them, or add a selector.`;
      return warning('spec.mtls', message);
    });
  }

  /** The oldest that selects the pod; those of the root namespace select nobody. */
  private ownPolicy(namespace: string, podLabels: Readonly<Record<string, string>>): KubeObject | undefined {
    if (namespace === this.rootNamespace) return undefined;
    return this.byAge.find(
      (policy) =>
        namespaceOf(policy) === namespace &&
        !isForAll(policy) &&
        labelsMatch({ ...podSelector(policy) }, { ...podLabels }),
    );
  }
}

function written(mtls: unknown, policy: KubeObject | undefined, field: string): PlacedMode | undefined {
  const mode = MODES[text(record(mtls).mode) ?? ''];
  return mode && policy ? { mode, object: objectRef(policy), field } : undefined;
}
