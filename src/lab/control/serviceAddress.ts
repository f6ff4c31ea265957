import type { KubeObject } from '../../base/kubernetes.js';
import type { Random } from '../../base/random.js';
import type { PodNetwork } from './network.js';
import { servicePorts } from './objects.js';
import type { Store } from './store.js';

interface SliceView {
  readonly endpoints?: readonly { addresses: readonly string[]; conditions?: { ready?: boolean } }[];
  readonly ports?: readonly { name?: string; port?: number }[];
}

/** What a name or address of the cluster means to a process in a pod. */
export type Resolved =
  | { readonly kind: 'service'; readonly service: KubeObject }
  | { readonly kind: 'pod'; readonly ip: string }
  /** This machine's own loopback: the only "outside world" of the lab. */
  | { readonly kind: 'loopback' };

/** Cluster DNS and kube-proxy: names to Services, connections to ready pods. */
export class ServiceAddresses {
  private readonly store: Store;
  private readonly network: PodNetwork;

  constructor(store: Store, network: PodNetwork) {
    this.store = store;
    this.network = network;
  }

  /**
   * @param host a name, looked up through the search path of `namespace` as in a pod's resolv.conf, or an IPv4 address.
   * @returns undefined: no such host (a DNS error in the application).
   */
  resolve(host: string, namespace: string): Resolved | undefined {
    const name = host.toLowerCase().replace(/\.$/, '');
    if (name === 'localhost' || name.startsWith('127.')) return { kind: 'loopback' };
    if (/^\d+(\.\d+){3}$/.test(name)) {
      if (this.network.listeners(name)) return { kind: 'pod', ip: name };
      const service = this.store.list('services').find((candidate) => candidate.spec?.clusterIP === name);
      return service ? { kind: 'service', service } : undefined;
    }
    const [first = '', second = namespace, ...rest] = name.split('.');
    if (!['', 'svc', 'svc.cluster', 'svc.cluster.local'].includes(rest.join('.'))) return undefined;
    const service = this.store.get('services', second, first);
    return service ? { kind: 'service', service } : undefined;
  }

  /** Pod addresses that take connections for a Service port now. */
  endpoints(service: KubeObject, port: number): { ip: string; port: number }[] {
    const declared = servicePorts(service).find((candidate) => candidate.port === port);
    if (!declared) return [];
    const { name, namespace } = service.metadata;
    return this.store
      .list('endpointslices.discovery.k8s.io', namespace)
      .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
      .flatMap((slice) => {
        const view = slice as unknown as SliceView;
        const target = view.ports?.find((candidate) => (candidate.name ?? '') === (declared.name ?? ''))?.port;
        if (target === undefined) return [];
        return (view.endpoints ?? [])
          .filter((endpoint) => endpoint.conditions?.ready !== false)
          .flatMap((endpoint) => endpoint.addresses.map((ip) => ({ ip, port: target })));
      });
  }

  /**
   * Where a new connection to `host:port` from a process without sidecar really goes: a ready pod drawn evenly per
   * connection, as kube-proxy does.
   * @returns a real port of 127.0.0.1, `refused` when nothing listens, `unknown-host` when the name does not resolve.
   */
  connect(host: string, port: number, namespace: string, random: Random): number | 'refused' | 'unknown-host' {
    const resolved = this.resolve(host, namespace);
    if (!resolved) return 'unknown-host';
    if (resolved.kind === 'loopback') return port;
    if (resolved.kind === 'pod') return this.network.dial(resolved.ip, port) ?? 'refused';
    const drawn = this.draw(resolved.service, port, random);
    return (drawn && this.network.dial(drawn.ip, drawn.port)) ?? 'refused';
  }

  /** @returns the address of a ready pod of the Service, drawn evenly, or undefined when it has none. */
  draw(service: KubeObject, port: number, random: Random): { ip: string; port: number } | undefined {
    const endpoints = this.endpoints(service, port);
    return endpoints[Math.floor(random() * endpoints.length)];
  }
}
