import type { KubeObject } from '../base/kubernetes.js';
import { compare, compareAges } from './age.js';
import { type Decision, decide } from './decisions.js';
import { type Inventory, inventoryOf } from './inventory.js';
import { perObject } from './memo.js';
import { PeerPolicies, type PlacedMode } from './peerAuthentication.js';
import { type ReceivingPod, ReceivingPods } from './receiverPods.js';
import { serviceEntryServices } from './serviceEntries.js';
import { type Service, type ServicePort, serviceOf } from './services.js';
import type { Caller, Cluster, Endpoint, MeshObjects } from './types.js';

/** How a request or a connection comes to an endpoint. */
export interface Sent {
  /** undefined: past the caller's proxy, or it has none. */
  readonly cluster: Cluster | undefined;
  readonly unit: 'request' | 'connection';
  readonly method: string;
  /** As it arrives, without query. */
  readonly path: string;
}

/** foreign: TLS with certificates that are not the mesh's. */
type Transport = 'plain' | 'mutual' | 'foreign';

/** Why an endpoint does not take what it is sent. */
export interface TransportFailure {
  /** `status flag` as the caller sees it. */
  readonly how: string;
  readonly cause:
    | 'plain-to-strict'
    | 'foreign-to-strict'
    | 'foreign-to-http'
    | 'mutual-to-disabled'
    | 'mutual-without-sidecar';
  /** What the endpoint's pod takes. */
  readonly mode: PlacedMode;
}

const ALLOWED: Decision = { kind: 'allowed' };

/** The namespace is known even where the service account is not. */
const anyoneOf = ({ namespace }: Caller): string => `spiffe://cluster.local/ns/${namespace}/sa/`;

/** Whether the pods behind the endpoints take what a caller's proxy sends them: mutual TLS as both sides have it, then who is allowed. */
export class Receivers {
  readonly policies: PeerPolicies;
  readonly pods: ReceivingPods;
  private readonly inventory: Inventory;
  private readonly caller: Caller;
  private readonly autoMutualTls: boolean;
  private readonly authorizationPolicies: readonly KubeObject[];
  private readonly rootNamespace: string;
  /** undefined: no object tells the caller's service account. */
  private readonly principal: string | undefined;

  constructor(inventory: Inventory, caller: Caller) {
    const { snapshot, settings } = inventory;
    this.inventory = inventory;
    this.caller = caller;
    this.policies = new PeerPolicies(snapshot.peerAuthentications, settings.rootNamespace);
    this.pods = new ReceivingPods(snapshot);
    this.autoMutualTls = settings.autoMutualTls;
    this.authorizationPolicies = snapshot.authorizationPolicies;
    this.rootNamespace = settings.rootNamespace;
    this.principal = this.pods.principalOf(caller);
  }

  /** `status flag` of what the endpoint's proxy, or the handshake with it, makes of it; undefined: the application gets it. */
  refusal(endpoint: Endpoint, sent: Sent): string | undefined {
    const failure = this.transportFailure(endpoint, sent);
    if (failure) return failure.how;
    if (this.decision(endpoint, sent).kind !== 'denied') return undefined;
    return sent.unit === 'request' ? '403 -' : '000 reset';
  }

  /** What the AuthorizationPolicies of the endpoint's pod make of it. */
  decision(endpoint: Endpoint, sent: Sent): Decision {
    const pod = this.pods.of(endpoint);
    if (!pod || pod.ambient || pod.sidecar === false || this.authorizationPolicies.length === 0) return ALLOWED;
    const principal =
      this.transportTo(endpoint, sent) === 'mutual' ? (this.principal ?? anyoneOf(this.caller)) : undefined;
    const { unit, method, path } = sent;
    const asked = { principal, method, path, port: endpoint.targetPort, unit };
    const anonymous = principal !== undefined && this.principal === undefined;
    const metadata = { name: '', namespace: pod.namespace, labels: { ...pod.labels } };
    return decide(this.authorizationPolicies, { metadata }, this.rootNamespace, { ...asked, anonymous });
  }

  transportFailure(endpoint: Endpoint, sent: Pick<Sent, 'cluster' | 'unit'>): TransportFailure | undefined {
    const pod = this.pods.of(endpoint);
    if (pod?.ambient) return undefined;
    const mode = this.modeOf(pod, endpoint);
    const transport = this.transport(pod, mode, sent);
    const handshake = sent.unit === 'request' ? '503 UF' : '000 UF';
    if (!mode) {
      const refused = transport === 'mutual' && (pod === undefined || pod.sidecar === false);
      return refused ? { how: handshake, cause: 'mutual-without-sidecar', mode: { mode: 'disable' } } : undefined;
    }
    if (transport === 'foreign' && mode.mode !== 'strict') {
      return this.readsHttp(endpoint) ? { how: handshake, cause: 'foreign-to-http', mode } : undefined;
    }
    if (mode.mode === 'disable') {
      return transport === 'mutual' ? { how: handshake, cause: 'mutual-to-disabled', mode } : undefined;
    }
    if (mode.mode === 'permissive' || transport === 'mutual') return undefined;
    if (transport === 'foreign') return { how: handshake, cause: 'foreign-to-strict', mode };
    // The connection is opened, and closed as soon as its first bytes are no handshake.
    return { how: sent.unit === 'request' ? '503 UC' : '000 reset', cause: 'plain-to-strict', mode };
  }

  /** Whether the endpoint's sidecar expects HTTP on the port: the first Service that leads there says so. */
  private readsHttp({ pod, targetPort }: Endpoint): boolean {
    const namespace = pod.split('/', 1)[0];
    for (const service of servicesOfPods(this.inventory)) {
      if (service.namespace !== namespace) continue;
      const isBehind = (port: ServicePort) =>
        this.inventory.endpoints(service, port, {}).some((each) => each.pod === pod && each.targetPort === targetPort);
      const port = service.ports.find(isBehind);
      if (port) return port.protocol === 'http';
    }
    return false;
  }

  /** How the caller's proxy sends; by `mutual` it shows who the caller is. */
  transportTo(endpoint: Endpoint, sent: Pick<Sent, 'cluster'>): Transport {
    const pod = this.pods.of(endpoint);
    return this.transport(pod, this.modeOf(pod, endpoint), sent);
  }

  /** undefined: no proxy asks for anything. */
  private modeOf(pod: ReceivingPod | undefined, { targetPort }: Endpoint): PlacedMode | undefined {
    if (!pod || pod.sidecar === false) return undefined;
    return this.policies.modeOf(pod.namespace, pod.labels, targetPort);
  }

  /** The rule's own mode; without one Istio chooses by endpoint, where namespace and mesh do not switch mutual TLS off. */
  private transport(
    pod: ReceivingPod | undefined,
    mode: PlacedMode | undefined,
    { cluster }: Pick<Sent, 'cluster'>,
  ): Transport {
    if (!cluster || this.caller.sidecar === false || cluster.tls === 'disable') return 'plain';
    if (cluster.tls === 'istio-mutual') return 'mutual';
    if (cluster.tls) return 'foreign';
    if (!this.autoMutualTls) return 'plain';
    if (this.policies.namespaceMode(cluster.serviceNamespace).mode === 'disable') return 'plain';
    const dialled = this.dialled(cluster);
    if (dialled && (dialled.length === 0 || dialled.some((each) => this.isBare(each)))) return 'plain';
    if (cluster.balancing === 'original-dst') return 'mutual';
    return mode && pod && mode.mode !== 'disable' ? 'mutual' : 'plain';
  }

  /** Pods that clients dial themselves: one without a sidecar decides for all, at gateways too, whatever the policies of the others say. */
  private dialled({ host, port, balancing, endpoints }: Cluster): readonly Endpoint[] | undefined {
    const service = this.inventory.services.get(host);
    const named = service?.headless ? service.ports.find((candidate) => candidate.port === port) : undefined;
    if (service && named) return this.inventory.endpoints(service, named, {});
    return balancing === 'original-dst' ? endpoints : undefined;
  }

  private isBare(endpoint: Endpoint): boolean {
    const pod = this.pods.of(endpoint);
    return pod === undefined || pod.sidecar === false;
  }
}

/** As Istio's Proxy.SetServiceTargets orders what a pod serves: oldest first, then by host. That of `a-b` comes before that of `a`. */
const servicesOfPods = perObject(({ snapshot, services }: Inventory): readonly Service[] =>
  [
    ...snapshot.services.flatMap((object) => ({ object, service: serviceOf(object) })),
    ...snapshot.serviceEntries.flatMap((object) =>
      serviceEntryServices(object).map((service) => ({ object, service })),
    ),
  ]
    .sort((a, b) => compareAges(a.object, b.object) || compare(a.service?.fqdn ?? '', b.service?.fqdn ?? ''))
    .flatMap(({ service }) => (service && services.get(service.fqdn) === service ? [service] : [])),
);

/** @param objects as they are compiled. */
export const receiversOf = (objects: MeshObjects, caller: Caller): Receivers =>
  new Receivers(inventoryOf(objects), caller);
