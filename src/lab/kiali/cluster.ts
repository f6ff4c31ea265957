import { type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import { hasSidecar } from '../../mesh/injection.js';
import type { Store } from '../control/store.js';

/** The only cluster the lab has, under Istio's default name. */
export const CLUSTER = 'Kubernetes';

export interface Workload {
  readonly name: string;
  readonly type: string;
  /** Of the pod template. */
  readonly labels: Readonly<Record<string, string>>;
  /** True also without pods: nothing proves that a sidecar is missing. */
  readonly hasSidecar: boolean;
  readonly pods: readonly KubeObject[];
  readonly object: KubeObject;
}

export interface Namespace {
  readonly name: string;
  readonly createdMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The misspelt last one is Kiali's own. */
const HIDDEN = /^(istio-operator|kube-|openshift|ibm|kial-operator)/;

const CONTROLLERS = [
  ['deployments.apps', 'Deployment'],
  ['statefulsets.apps', 'StatefulSet'],
  ['daemonsets.apps', 'DaemonSet'],
] as const;

/** What Kiali knows from the Kubernetes API, read from the control plane's store. */
export class ClusterView {
  private readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  /** Those that Kiali's default configuration shows. */
  namespaces(): Namespace[] {
    const shown = this.store.list('namespaces').filter(({ metadata }) => !HIDDEN.test(metadata.name));
    return byName(shown).map(({ metadata }) => ({
      name: metadata.name,
      createdMs: Date.parse(metadata.creationTimestamp ?? ''),
      labels: metadata.labels ?? {},
      annotations: metadata.annotations ?? {},
    }));
  }

  services(namespace: string): KubeObject[] {
    return this.store.list('services', namespace);
  }

  service(namespace: string, name: string): KubeObject | undefined {
    return this.store.get('services', namespace, name);
  }

  /** Controllers and the pods that none of them selects. */
  workloads(namespace: string): Workload[] {
    const pods = this.store.list('pods', namespace);
    const owned = new Set<KubeObject>();
    const found: Workload[] = [];
    for (const [resource, type] of CONTROLLERS) {
      for (const object of this.store.list(resource, namespace)) {
        const spec = object.spec as
          | { selector?: { matchLabels?: Record<string, string> }; template?: KubeObject }
          | undefined;
        const selector = spec?.selector?.matchLabels;
        const own = selector ? pods.filter((pod) => labelsMatch(selector, pod.metadata.labels)) : [];
        for (const pod of own) owned.add(pod);
        found.push(workload(object, type, spec?.template?.metadata?.labels ?? {}, own));
      }
    }
    for (const pod of pods) if (!owned.has(pod)) found.push(workload(pod, 'Pod', pod.metadata.labels ?? {}, [pod]));
    return found;
  }

  workload(namespace: string, name: string): Workload | undefined {
    return this.workloads(namespace).find((each) => each.name === name);
  }

  virtualServices(): KubeObject[] {
    return byName(this.store.list('virtualservices.networking.istio.io'));
  }

  destinationRules(namespace: string): KubeObject[] {
    return byName(this.store.list('destinationrules.networking.istio.io', namespace));
  }

  gateways(): KubeObject[] {
    return this.store.list('gateways.networking.istio.io');
  }

  list(resource: string, namespace?: string): KubeObject[] {
    return this.store.list(resource, namespace);
  }
}

function workload(
  object: KubeObject,
  type: string,
  labels: Record<string, string>,
  pods: readonly KubeObject[],
): Workload {
  return {
    name: object.metadata.name,
    type,
    labels,
    hasSidecar: type === 'Deployment' ? pods.slice(0, 1).every(isInjected) : pods.every(isInjected),
    pods,
    object,
  };
}

const isInjected = (pod: KubeObject): boolean =>
  hasSidecar(pod) || pod.metadata.annotations?.['sidecar.istio.io/status'] !== undefined;

function byName(objects: KubeObject[]): KubeObject[] {
  const key = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`;
  return [...objects].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
