import { connect, createServer, type Server, type Socket } from 'node:net';
import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import type { Random } from '../base/random.js';
import { gatewayTargets, servicesOfWorkload } from '../mesh/releases.js';
import { callsOfImage } from './apps/samples.js';
import { closeServer, listen } from './control/httpServer.js';
import type { PodNetwork } from './control/network.js';
import { podTemplate, servicePorts } from './control/objects.js';
import type { ServiceAddresses } from './control/serviceAddress.js';
import { join } from './control/sockets.js';
import type { Store } from './control/store.js';

export interface EntryPoint {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
}

/** Kinds that tell where users come in; keys of the Store. */
const TELLING = [
  'services',
  'virtualservices.networking.istio.io',
  'httproutes.gateway.networking.k8s.io',
  'deployments.apps',
  'statefulsets.apps',
];

/**
 * Where users come in by the objects of the moment: the first Service of type LoadBalancer, else of type NodePort, else one that a gateway's
 * route leads to, else one whose pods are known to call others and which none of them calls, else the first one.
 */
export class DefaultEntry {
  private readonly store: Store;
  private found: { readonly entry: EntryPoint | undefined } | undefined;

  constructor(store: Store) {
    this.store = store;
    store.subscribe(({ resource }) => {
      if (TELLING.includes(resource)) this.found = undefined;
    });
  }

  get(): EntryPoint | undefined {
    this.found ??= { entry: defaultEntry(TELLING.flatMap((resource) => this.store.list(resource))) };
    return this.found.entry;
  }
}

function defaultEntry(all: readonly KubeObject[]): EntryPoint | undefined {
  const objects = all.filter(({ metadata }) => metadata.namespace !== 'istio-system');
  const services = objects.filter((object) => object.kind === 'Service' && servicePorts(object).length > 0);
  const targets = gatewayTargets(objects);
  const callers = objects.filter((object) => callsOf(object).length > 0);
  const leading = new Set(callers.flatMap((caller) => servicesOfWorkload(objects, caller)));
  const called = new Set(callers.flatMap(callsOf).map((url) => new URL(url).hostname));
  const ranked: ((service: KubeObject) => boolean)[] = [
    ({ spec }) => spec?.type === 'LoadBalancer',
    ({ spec }) => spec?.type === 'NodePort',
    ({ metadata }) => targets.has(metadata.name),
    (service) => leading.has(service) && !called.has(service.metadata.name),
    () => true,
  ];
  const service = ranked.flatMap((holds) => services.find(holds) ?? [])[0];
  const port = service && servicePorts(service)[0]?.port;
  if (!service || port === undefined) return undefined;
  return { namespace: namespaceOf(service), service: service.metadata.name, port };
}

const callsOf = (workload: KubeObject): readonly string[] =>
  (podTemplate(workload)?.spec.containers ?? []).flatMap(({ image }) => callsOfImage(image ?? ''));

/**
 * Plays the load balancer in front of the cluster: one ready pod drawn per connection, no sidecar of its own. A connection
 * that meets no ready pod is reset.
 */
export function entryServer(
  store: Store,
  addresses: ServiceAddresses,
  network: PodNetwork,
  random: Random,
  entry: () => EntryPoint | undefined,
): { server: Server; cut(): void } {
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (downstream) => {
    track(downstream);
    downstream.on('error', () => undefined);
    const to = entry();
    const service = to && store.get('services', to.namespace, to.service);
    const drawn = service && addresses.draw(service, to.port, random);
    if (drawn && network.listeners(drawn.ip)?.accept(drawn.port, downstream)) return;
    const real = drawn && network.dial(drawn.ip, drawn.port);
    if (real === undefined) return void downstream.resetAndDestroy();
    const upstream = connect({ host: '127.0.0.1', port: real, allowHalfOpen: true, noDelay: true });
    track(upstream);
    join(downstream, upstream);
  });
  return {
    server,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Ways into the cluster, one for every Service port that something outside a pod's own network dials; opened when first asked for. */
export class ServiceFronts {
  private readonly open = new Map<string, Promise<number>>();
  private readonly closers: (() => Promise<void>)[] = [];
  private readonly make: (entry: EntryPoint) => ReturnType<typeof entryServer>;

  constructor(store: Store, addresses: ServiceAddresses, network: PodNetwork, random: Random) {
    this.make = (entry) => entryServer(store, addresses, network, random, () => entry);
  }

  /** @returns a port of 127.0.0.1; each of its connections goes to a ready pod of the Service. */
  port({ metadata: { name, namespace = 'default' } }: KubeObject, port: number): Promise<number> {
    const key = `${namespace}/${name}:${port}`;
    let front = this.open.get(key);
    if (!front) {
      const entry = this.make({ namespace, service: name, port });
      this.closers.push(() => closeEntry(entry));
      front = listen(entry.server, 0);
      this.open.set(key, front);
    }
    return front;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.closers.splice(0).map((closer) => closer()));
  }
}

/** Ends its connections and frees its port. */
export async function closeEntry({ server, cut }: ReturnType<typeof entryServer>): Promise<void> {
  const closed = closeServer(server);
  cut();
  await closed;
}
