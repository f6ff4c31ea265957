import { type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import { type ControlContext, type Controller, putStatus } from './context.js';
import { AddressPool, canonicalJson, hash32 } from './names.js';
import {
  isReady,
  isTerminating,
  ownerReference,
  podIp,
  servicePorts,
  serviceSelector,
  targetPortOf,
} from './objects.js';
import { OWN_NODE, zoneOf } from './scheduling.js';

interface Backend {
  readonly pod: KubeObject;
  readonly ip: string;
  readonly ports: readonly { name: string; port: number; protocol: string; appProtocol?: string }[];
}

/** Services get a ClusterIP, a load balancer address, Endpoints and EndpointSlices of the pods that they select. */
export function serviceController(context: ControlContext): Controller {
  const { store } = context;
  const addresses = new AddressPool('10.96');

  function allocate(service: KubeObject): KubeObject {
    const type = service.spec?.type ?? 'ClusterIP';
    const clusterIp = service.spec?.clusterIP;
    if (type === 'ExternalName') return service;
    let current = service;
    if (typeof clusterIp !== 'string' || clusterIp === '') {
      const address = addresses.take();
      const spec = { type, sessionAffinity: 'None', ...service.spec, clusterIP: address, clusterIPs: [address] };
      current = store.put('services', { ...service, spec });
    } else addresses.claim(clusterIp);
    if (type === 'LoadBalancer')
      putStatus(context, 'services', current, { loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } });
    return current;
  }

  function backendsOf(service: KubeObject, selector: Record<string, string>): Backend[] {
    return store
      .list('pods', service.metadata.namespace)
      .filter((pod) => labelsMatch(selector, pod.metadata.labels) && podIp(pod) !== undefined)
      .map((pod) => ({
        pod,
        ip: podIp(pod) ?? '',
        ports: servicePorts(service).flatMap((port) => {
          const target = targetPortOf(port, pod);
          if (target === undefined) return [];
          const { name = '', protocol = 'TCP', appProtocol } = port;
          return [{ name, port: target, protocol, ...(appProtocol ? { appProtocol } : {}) }];
        }),
      }));
  }

  const zoned = (pod: KubeObject) => {
    const zone = zoneOf(store, pod);
    return zone === undefined ? {} : { zone };
  };

  const targetRef = (pod: KubeObject) => ({
    kind: 'Pod',
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    uid: pod.metadata.uid,
  });

  /** Pods whose named ports resolve alike share a slice. */
  function byPorts(backends: readonly Backend[]): Map<string, Backend[]> {
    const groups = new Map<string, Backend[]>();
    for (const backend of backends) {
      const key = canonicalJson(backend.ports);
      groups.set(key, [...(groups.get(key) ?? []), backend]);
    }
    return groups;
  }

  function writeSlices(service: KubeObject, groups: ReadonlyMap<string, readonly Backend[]>): void {
    const { name, namespace } = service.metadata;
    const wanted = new Set<string>();
    for (const [key, backends] of groups) {
      const slice = `${name}-${hash32(key).toString(36).padStart(5, '0').slice(-5)}`;
      wanted.add(slice);
      store.put('endpointslices.discovery.k8s.io', {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: slice,
          ...(namespace ? { namespace } : {}),
          labels: {
            ...service.metadata.labels,
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
            'kubernetes.io/service-name': name,
          },
          ownerReferences: [ownerReference(service)],
        },
        addressType: 'IPv4',
        endpoints: backends.map(({ pod, ip }) => ({
          addresses: [ip],
          conditions: { ready: isReady(pod), serving: isReady(pod), terminating: isTerminating(pod) },
          nodeName: pod.spec?.nodeName ?? OWN_NODE,
          ...zoned(pod),
          targetRef: targetRef(pod),
        })),
        ports: backends[0]?.ports ?? [],
      });
    }
    for (const slice of store.list('endpointslices.discovery.k8s.io', namespace)) {
      const mine = slice.metadata.ownerReferences?.some((owner) => owner.uid === service.metadata.uid);
      if (mine && !wanted.has(slice.metadata.name))
        store.remove('endpointslices.discovery.k8s.io', namespace, slice.metadata.name);
    }
  }

  function writeEndpoints(service: KubeObject, groups: ReadonlyMap<string, readonly Backend[]>): void {
    const { name, namespace } = service.metadata;
    const address = ({ pod, ip }: Backend) => ({
      ip,
      nodeName: pod.spec?.nodeName ?? OWN_NODE,
      targetRef: targetRef(pod),
    });
    const subsets = [...groups.values()].map((backends) => {
      const ready = backends.filter(({ pod }) => isReady(pod)).map(address);
      const notReady = backends.filter(({ pod }) => !isReady(pod) && !isTerminating(pod)).map(address);
      return {
        ...(ready.length > 0 ? { addresses: ready } : {}),
        ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
        ports: backends[0]?.ports ?? [],
      };
    });
    store.put('endpoints', {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        name,
        ...(namespace ? { namespace } : {}),
        ...(service.metadata.labels ? { labels: service.metadata.labels } : {}),
        ownerReferences: [ownerReference(service)],
      },
      subsets: subsets.filter((subset) => subset.addresses ?? subset.notReadyAddresses),
    });
  }

  return {
    resources: ['services', 'pods'],
    reconcile() {
      for (const stored of store.list('services')) {
        const service = allocate(stored);
        const selector = serviceSelector(service);
        if (!selector) continue;
        const groups = byPorts(backendsOf(service, selector));
        writeSlices(service, groups);
        writeEndpoints(service, groups);
      }
    },
  };
}
