import { setMaxListeners } from 'node:events';
import type { Clock } from '../../base/clock.js';
import type { KubeObject } from '../../base/kubernetes.js';
import { type Millis, millis } from '../../base/units.js';
import { compileProxyConfig } from '../../mesh/compile.js';
import { localityOf } from '../../mesh/localities.js';
import type { Caller, ProxyConfig } from '../../mesh/types.js';
import type { ResourceName, Store } from './store.js';

/** What proxies are configured from. */
const WATCHED: readonly ResourceName[] = [
  'nodes',
  'namespaces',
  'services',
  'pods',
  'endpointslices.discovery.k8s.io',
  'configmaps',
  'virtualservices.networking.istio.io',
  'destinationrules.networking.istio.io',
  'gateways.networking.istio.io',
  'serviceentries.networking.istio.io',
  'sidecars.networking.istio.io',
  'peerauthentications.security.istio.io',
  'authorizationpolicies.security.istio.io',
  'telemetries.telemetry.istio.io',
  'gateways.gateway.networking.k8s.io',
  'httproutes.gateway.networking.k8s.io',
  'referencegrants.gateway.networking.k8s.io',
];

/** Changes within this span share one push, as Istio debounces them; each still arrives within its own delay plus this. */
const COALESCE_MS = 10;

/** A proxy that is kept up to date. */
export interface ConfiguredProxy {
  /** `pod.namespace`, as `proxy-status` prints it. */
  readonly id: string;
  readonly caller: Caller;
  /**
   * @param objects the state of the cluster that `config` was compiled from.
   * @returns a promise where taking it over takes time; it rejects when the proxy refuses the configuration.
   */
  configure(config: ProxyConfig, objects: readonly KubeObject[]): void | Promise<void>;
}

/** One row of `/debug/syncz`. */
export interface SyncState {
  readonly proxy: string;
  /** Version of the newest state that is on its way or has arrived. */
  readonly sent: number;
  /** Version that the proxy runs. */
  readonly acked: number;
}

interface Entry {
  /** With where it runs. */
  readonly caller: Caller;
  readonly proxy: ConfiguredProxy;
  /** Version of the state it was given last. */
  sent: number;
  /** Version of the state it has taken over. */
  acked: number;
  /** One that stops following, as after a route configuration that it refused: endpoints still reach it. */
  readonly stale: boolean;
  /** Of a stale one: those it keeps. */
  routes: ProxyConfig['ports'];
}

/**
 * The control plane: every change of a watched object reaches every proxy `delay` ms after it was made, never sooner,
 * and later changes do not postpone it.
 */
export class Distribution {
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly delay: Millis;
  private readonly proxies = new Map<string, Entry>();
  private readonly ended = new AbortController();
  private readonly unsubscribe: () => void;
  private readonly stale: Map<string, number>;
  private holding = false;
  private newest = 0;
  private collecting = false;

  /** @param stale workload -> how many of its proxies, in the order in which they start, keep their routes from `hold` on. */
  constructor(store: Store, clock: Clock, delay: Millis, stale: Readonly<Record<string, number>> = {}) {
    this.stale = new Map(Object.entries(stale));
    this.store = store;
    this.clock = clock;
    this.delay = delay;
    // Every change under way sleeps on this signal.
    setMaxListeners(0, this.ended.signal);
    const watched = new Set(WATCHED);
    this.unsubscribe = store.subscribe((event) => {
      if (watched.has(event.resource)) this.changed();
    });
  }

  /** Configures a new proxy from the state of now (a starting proxy asks for everything), later by delayed pushes. */
  connect(proxy: ConfiguredProxy): () => void {
    const left = this.stale.get(proxy.caller.workload) ?? 0;
    if (left > 0) this.stale.set(proxy.caller.workload, left - 1);
    const objects = this.snapshot();
    const caller = this.placed(proxy);
    const config = compileProxyConfig(objects, caller);
    const entry: Entry = { proxy, caller, sent: 0, acked: 0, stale: left > 0, routes: config.ports };
    this.proxies.set(proxy.id, entry);
    send(entry, config, objects, this.newest);
    return () => {
      if (this.proxies.get(proxy.id) === entry) this.proxies.delete(proxy.id);
    };
  }

  /** From now on stale proxies keep the routes of now, or those they start with. */
  hold(): void {
    this.holding = true;
    const objects = this.snapshot();
    for (const entry of this.proxies.values()) {
      if (entry.stale) entry.routes = compileProxyConfig(objects, entry.caller).ports;
    }
  }

  syncStates(): SyncState[] {
    return [...this.proxies.values()].map(({ proxy, acked }) => ({ proxy: proxy.id, sent: this.newest, acked }));
  }

  close(): void {
    this.unsubscribe();
    this.ended.abort();
    this.proxies.clear();
  }

  private changed(): void {
    if (this.collecting || this.ended.signal.aborted) return;
    this.collecting = true;
    this.newest += 1;
    void this.push(this.newest, this.clock.now());
  }

  private async push(version: number, changedAt: Millis): Promise<void> {
    const { signal } = this.ended;
    await this.clock.sleepUntil(millis(changedAt + Math.min(COALESCE_MS, this.delay)), signal);
    // Changes after this moment belong to the next version; what they replace must still arrive on time.
    const objects = this.snapshot();
    this.collecting = false;
    await this.clock.sleepUntil(millis(changedAt + this.delay), signal);
    if (signal.aborted) return;
    const compiled = new Map<string, ProxyConfig>();
    for (const entry of this.proxies.values()) {
      // A proxy that connected meanwhile already runs a newer state.
      if (entry.sent >= version) continue;
      const { caller } = entry;
      const key = JSON.stringify(caller);
      let config = compiled.get(key);
      if (!config) {
        config = compileProxyConfig(objects, caller);
        compiled.set(key, config);
      }
      if (entry.stale && this.holding) {
        // It never acknowledges, and gets the next state as well.
        void Promise.resolve(entry.proxy.configure({ ...config, ports: entry.routes }, objects)).catch(() => undefined);
        continue;
      }
      send(entry, config, objects, version);
    }
  }

  /** A pod stays on its node. */
  private placed({ id, caller }: ConfiguredProxy): Caller {
    const pod = this.store.get('pods', caller.namespace, id.slice(0, -caller.namespace.length - 1));
    const node = pod && this.store.get('nodes', undefined, String(pod.spec?.nodeName));
    const locality = pod && localityOf(pod, node);
    return locality === undefined ? caller : { ...caller, locality };
  }

  private snapshot(): readonly KubeObject[] {
    return WATCHED.flatMap((resource) => this.store.list(resource));
  }
}

/** Gives a proxy its configuration; one that refuses it stays behind, and says why itself. */
function send(entry: Entry, config: ProxyConfig, objects: readonly KubeObject[], version: number): void {
  entry.sent = version;
  const taken = () => {
    entry.acked = Math.max(entry.acked, version);
  };
  const done = entry.proxy.configure(config, objects);
  if (done) done.then(taken, () => undefined);
  else taken();
}
