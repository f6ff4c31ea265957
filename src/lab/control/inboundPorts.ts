import { type KubeObject, labelsMatch, namespaceOf } from '../../base/kubernetes.js';
import { portProtocol } from '../../mesh/protocol.js';
import type { Identity } from './identity.js';
import { servicePorts, serviceSelector, targetPortOf } from './objects.js';

/** The Service that a request was meant for, as the metrics name it. */
export interface DestinationService {
  /** `shop.demo.svc.cluster.local`, or the Host header where no cluster was reached. */
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

/** What an inbound listener knows of the port behind it. */
export interface InboundPort {
  readonly service: DestinationService;
  readonly protocol: 'http' | 'tcp' | 'detect';
}

const byAge = (a: KubeObject, b: KubeObject): number =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  a.metadata.name.localeCompare(b.metadata.name);

/** The Service that requests to a pod's port are counted for: the oldest one that selects the pod on that port. */
export function inboundPort(objects: readonly KubeObject[], pod: KubeObject, port: number): InboundPort | undefined {
  const namespace = namespaceOf(pod);
  const services = objects
    .filter((object) => object.kind === 'Service' && object.metadata.namespace === namespace)
    .sort(byAge);
  for (const service of services) {
    const selector = serviceSelector(service);
    if (!selector || !labelsMatch(selector, pod.metadata.labels)) continue;
    const match = servicePorts(service).find((candidate) => targetPortOf(candidate, pod) === port);
    if (!match) continue;
    const { name } = service.metadata;
    const protocol = portProtocol({ ...match });
    return {
      service: { host: `${name}.${namespace}.svc.cluster.local`, name, namespace },
      protocol: protocol === 'tcp' || protocol === 'http' ? protocol : 'detect',
    };
  }
  return undefined;
}

/** Where a gateway's pod listens for a port that its Gateways name: what the Services before it make of that port, else the port itself. */
export function gatewayListeners(objects: readonly KubeObject[], pod: KubeObject, port: number): number[] {
  const targets = selecting(objects, pod)
    .flatMap(servicePorts)
    .flatMap((each) => (each.port === port ? (targetPortOf(each, pod) ?? []) : []));
  return targets.length > 0 ? [...new Set(targets)] : [port];
}

const selecting = (objects: readonly KubeObject[], pod: KubeObject): KubeObject[] =>
  objects.filter((object) => {
    if (object.kind !== 'Service' || object.metadata.namespace !== pod.metadata.namespace) return false;
    const selector = serviceSelector(object);
    return selector !== undefined && labelsMatch(selector, pod.metadata.labels);
  });

/** The ports of a pod that Services lead to. */
export function targetPorts(objects: readonly KubeObject[], pod: KubeObject): number[] {
  return selecting(objects, pod).flatMap((service) =>
    servicePorts(service).flatMap((port) => targetPortOf(port, pod) ?? []),
  );
}

/** What requests are counted for that reach a port of no Service. */
export const passthroughPort = (own: Identity): InboundPort => ({
  service: { host: own.canonicalService, name: 'InboundPassthroughCluster', namespace: own.namespace },
  protocol: 'detect',
});
