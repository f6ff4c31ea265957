import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { DATAPLANE_MODE, hasSidecar, wantsSidecar } from './injection.js';
import { workloadOf } from './pods.js';
import { labels, list, record, text } from './read.js';
import type { Snapshot } from './snapshot.js';
import type { Caller, Endpoint } from './types.js';

/** Of a pod what its callers' proxies and its own do not agree on by routes. */
export interface ReceivingPod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** undefined: manifests do not tell. */
  readonly sidecar: boolean | undefined;
  /** Its node's proxy takes its connections: nothing here is known of it. */
  readonly ambient: boolean;
  readonly serviceAccount: string;
}

/** Pods by `namespace/pod`; of manifests, which have none, workloads stand for them. */
export class ReceivingPods {
  private readonly pods: ReadonlyMap<string, KubeObject>;
  private readonly workloads: ReadonlyMap<string, KubeObject>;
  private readonly namespaces: ReadonlyMap<string, KubeObject>;
  private readonly known = new Map<string, ReceivingPod>();

  constructor({ pods, workloads, namespaces }: Snapshot) {
    this.pods = new Map(pods.map((pod) => [keyOf(pod), pod]));
    this.workloads = new Map(
      workloads.filter(({ metadata }) => list(metadata.ownerReferences).length === 0).map((one) => [keyOf(one), one]),
    );
    this.namespaces = new Map(namespaces.map((namespace) => [namespace.metadata.name, namespace]));
  }

  /** undefined: no pod of the cluster. */
  of({ pod, workload }: Pick<Endpoint, 'pod' | 'workload'>): ReceivingPod | undefined {
    const known = this.known.get(pod);
    if (known) return known;
    const found = this.find(pod, workload);
    if (found) this.known.set(pod, found);
    return found;
  }

  /** Who calls, in the default trust domain; undefined: its workload is not defined. */
  principalOf({ workload, namespace }: Caller): string | undefined {
    const pod = [...this.pods.values()].find((one) => namespaceOf(one) === namespace && workloadOf(one) === workload);
    const found = pod ? this.ofPod(pod) : this.ofWorkload(`${namespace}/${workload}`);
    return found && `spiffe://cluster.local/ns/${namespace}/sa/${found.serviceAccount}`;
  }

  private find(key: string, workload: string): ReceivingPod | undefined {
    const pod = this.pods.get(key);
    return pod ? this.ofPod(pod) : this.ofWorkload(`${key.split('/', 1)[0]}/${workload}`);
  }

  private ofPod(pod: KubeObject): ReceivingPod {
    const { namespace = 'default' } = pod.metadata;
    const own = labels(pod.metadata.labels);
    const sidecar = hasSidecar(pod) || own['security.istio.io/tlsMode'] === 'istio';
    return this.receiver(namespace, own, sidecar, pod.spec);
  }

  private ofWorkload(key: string): ReceivingPod | undefined {
    const workload = this.workloads.get(key);
    if (!workload) return undefined;
    const { namespace = 'default' } = workload.metadata;
    const template = record(workload.spec?.template);
    const metadata = record(template.metadata);
    const own = { labels: labels(metadata.labels), annotations: labels(metadata.annotations) };
    const sidecar = wantsSidecar(own, this.namespaces.get(namespace)?.metadata);
    return this.receiver(namespace, own.labels, sidecar, template.spec);
  }

  private receiver(
    namespace: string,
    own: Readonly<Record<string, string>>,
    sidecar: boolean | undefined,
    spec: unknown,
  ): ReceivingPod {
    const mode = own[DATAPLANE_MODE] ?? this.namespaces.get(namespace)?.metadata.labels?.[DATAPLANE_MODE];
    const serviceAccount = text(record(spec).serviceAccountName) || 'default';
    return { namespace, labels: own, sidecar, ambient: sidecar !== true && mode === 'ambient', serviceAccount };
  }
}

const keyOf = (object: KubeObject): string => `${namespaceOf(object)}/${object.metadata.name}`;
