import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { sleep } from '../../base/clock.js';
import type { KubeObject } from '../../base/kubernetes.js';
import { httpRequest } from '../../cluster/http.js';
import type { Caller, ProxyConfig } from '../../mesh/types.js';
import { agentListener, proxyMetricsListener } from '../control/agent.js';
import { closeServer, httpServer, listen } from '../control/httpServer.js';
import type { Dial } from '../control/network.js';
import {
  applicationUrl,
  opened,
  type PodProxy,
  type PodProxyOptions,
  type ProxyNames,
  proxyNames,
} from '../control/podProxy.js';
import { adminView } from './adminView.js';
import { bootstrap } from './bootstrap.js';
import { boundPorts } from './boundPorts.js';
import { type Desired, desired } from './desired.js';
import { type Discovery, DiscoveryServer } from './discovery.js';
import { inboundListenerName } from './inboundListeners.js';
import { Latest } from './latest.js';
import { istioMetrics } from './metricsPage.js';
import { listenerFor } from './outboundListeners.js';
import { placeOf } from './places.js';
import { preface } from './preface.js';
import { EnvoyProcess } from './process.js';
import type { Message } from './proto.js';
import { ServiceRelays } from './serviceRelays.js';

export interface EnvoyOptions {
  /** Path of the program. */
  readonly binary: string;
  /** Where the proxies' few files go. */
  readonly folder: string;
  /** Told what a proxy refuses and why one ended. */
  readonly onError: (error: unknown) => void;
}

/** How long a proxy may take for what it has been told; ms. */
const PATIENCE_MS = 10_000;
const POLL_MS = 5;

const NOTHING: ProxyConfig = { ports: [], clusters: {}, warnings: [] };

/** From the end of a proxy to its restart, as the kubelet restarts containers: at once, then ever later. */
const FIRST_BACK_OFF_MS = 1_000;
const LONGEST_BACK_OFF_MS = 10_000;
/** A proxy that lived so long starts again at once. */
const LONG_LIFE_MS = 10_000;

/** The proxy container of one pod, with a real Envoy in it. */
export class EnvoySidecar implements PodProxy {
  readonly id: string;
  readonly caller: Caller;
  private readonly options: PodProxyOptions;
  private readonly envoy: EnvoyOptions;
  private readonly identity: ProxyNames['identity'];
  private readonly discovery = new DiscoveryServer();
  private discoveryPort = 0;
  private readonly folder: string;
  private readonly relays: ServiceRelays;
  private readonly servers: Server[] = [];
  private readonly agentPorts = new Map<number, number>();
  private readonly applying = new Latest(() => this.apply());
  private readonly ended = new AbortController();
  private readonly unwatch: () => void;
  private process: EnvoyProcess | undefined;
  private config: ProxyConfig = NOTHING;
  private objects: readonly KubeObject[] | undefined;
  private running: Desired | undefined;
  /** Listener -> real port, of the process that runs now. */
  private bound: ReadonlyMap<string, number> = new Map();

  private constructor(options: PodProxyOptions, envoy: EnvoyOptions) {
    const { addresses, random, network } = options;
    const { id, caller, identity } = proxyNames(options);
    this.options = options;
    this.envoy = envoy;
    this.id = id;
    this.caller = caller;
    this.identity = identity;
    this.folder = join(envoy.folder, id);
    this.relays = new ServiceRelays(addresses, caller.namespace, random);
    this.unwatch = network.watch(() => this.refresh());
  }

  /** Starts the process and the ports around it. It routes nothing before it is configured. */
  static start(options: PodProxyOptions, envoy: EnvoyOptions): Promise<EnvoySidecar> {
    const sidecar = new EnvoySidecar(options, envoy);
    return opened(sidecar, () => sidecar.open());
  }

  port(port: number): number | undefined {
    return port === 15_001 ? this.bound.get('virtualOutbound') : this.agentPorts.get(port);
  }

  inbound(port: number): number | undefined {
    return this.bound.get(inboundListenerName(port)) ?? this.agentPorts.get(port);
  }

  accept(): boolean {
    // Connections are the process' own to accept.
    return false;
  }

  async outbound(host: string, port: number): Promise<Dial> {
    await this.applying.settled();
    const { dialled, real } = await placeOf(host, port, this.caller.namespace, this.relays, this.options);
    const listener = listenerFor(this.running?.outbound ?? [], dialled);
    const bound = listener && this.bound.get(listener.name);
    if (bound === undefined)
      throw new Error(`connect ECONNREFUSED ${host}:${port}: the sidecar of ${this.id} is not up`);
    return { port: bound, preface: preface(this.options.podIp, dialled, real) };
  }

  configure(config: ProxyConfig, objects: readonly KubeObject[]): Promise<void> {
    this.config = config;
    this.objects = objects;
    return this.applying.run().catch((error: unknown) => {
      this.complain(error);
      throw error;
    });
  }

  settled(): Promise<void> {
    return this.applying.settled();
  }

  appOpened(): void {
    this.refresh();
  }

  async close(): Promise<void> {
    this.ended.abort();
    this.unwatch();
    await this.process?.stop();
    await Promise.all([this.discovery.close(), this.relays.close(), ...this.servers.map(closeServer)]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private readonly admin = (): number | undefined =>
    this.process && !this.process.ended ? this.process.admin : undefined;

  private async open(): Promise<void> {
    this.tellAll(this.render());
    this.discoveryPort = await this.discovery.listen();
    const view = adminView({ admin: this.admin, placeOf: (name) => this.placeOfListener(name) });
    const beside = {
      proxyMetrics: () => istioMetrics(this.admin()),
      ready: () => this.admin() !== undefined && this.objects !== undefined,
      application: () => applicationUrl(this.options),
    };
    const [admin, agent, metrics] = await Promise.all([
      this.serve(view),
      this.serve(agentListener(beside)),
      this.serve(proxyMetricsListener(beside)),
      this.startProcess(),
    ]);
    this.agentPorts.set(15_000, admin);
    for (const port of [15_020, 15_021]) this.agentPorts.set(port, agent);
    this.agentPorts.set(15_090, metrics);
  }

  private serve(listener: Parameters<typeof httpServer>[0]): Promise<number> {
    const server = httpServer(listener);
    this.servers.push(server);
    return listen(server);
  }

  private async startProcess(): Promise<void> {
    this.discovery.restart();
    mkdirSync(this.folder, { recursive: true });
    const config = join(this.folder, 'envoy.json');
    writeFileSync(config, JSON.stringify(bootstrap(this.id, this.options.workload, this.discoveryPort)));
    const process = await EnvoyProcess.start(this.envoy.binary, config, join(this.folder, 'admin'));
    if (this.ended.signal.aborted) return process.stop();
    this.process = process;
    const startedAt = performance.now();
    void process.end().then(() => this.onEnd(process, startedAt));
    this.bound = await boundPorts(this.admin, []);
  }

  /** The process ended by itself: the pod refuses connections until another one is up. */
  private async onEnd(process: EnvoyProcess, startedAt: number): Promise<void> {
    const { signal } = this.ended;
    if (signal.aborted || this.process !== process) return;
    this.bound = new Map();
    this.complain(new Error(`its Envoy (process ${process.pid}) ended by itself`));
    this.options.onHealth?.(false);
    this.options.network.changed();
    let backOff = performance.now() - startedAt > LONG_LIFE_MS ? 0 : FIRST_BACK_OFF_MS;
    for (let up = false; !up; backOff = Math.min(Math.max(FIRST_BACK_OFF_MS, 2 * backOff), LONGEST_BACK_OFF_MS)) {
      await sleep(this.options.clock, backOff, signal);
      if (signal.aborted) return;
      up = await this.startProcess().then(
        () => true,
        (error: unknown) => {
          this.complain(error);
          return false;
        },
      );
    }
    await this.applying.run().catch((error: unknown) => this.complain(error));
    // Should that one have ended as well, its own end is told.
    if (signal.aborted || this.admin() === undefined) return;
    this.options.network.changed();
    this.options.onHealth?.(true);
  }

  private render(): Desired {
    const { pod, appPorts, localPort, network } = this.options;
    const { config, identity, running: before } = this;
    // Which protocol a port speaks is known with the first configuration; until then nothing is opened.
    const ports = this.objects ? appPorts : [];
    const objects = this.objects ?? [];
    return desired({ config, objects, pod, ...identity, appPorts: ports, localPort, network, before });
  }

  /** Something around the proxy has changed: its own application, or another pod's listener. */
  private refresh(): void {
    if (this.ended.signal.aborted || !this.objects) return;
    this.applying.run().catch((error: unknown) => this.complain(error));
  }

  /** Routes never name a cluster that is not there, as long as the objects name none: clusters come first and go last. */
  private async apply(): Promise<void> {
    const { process, running, discovery } = this;
    if (this.ended.signal.aborted || !process || process.ended) return;
    const { gone } = process;
    const wanted = this.render();
    const hosts = this.tell('eds', wanted.assignments);
    const going = [...(running?.clusters ?? [])].filter(([name]) => !wanted.clusters.has(name));
    const clusters = this.tellOne('cds', [...wanted.clusters.values(), ...going.map(([, cluster]) => cluster)]);
    if (clusters.length > 0) {
      await discovery.taken(clusters, gone);
      await this.untilWarm();
    }
    const routes = this.tell('rds', wanted.tables);
    await discovery.taken([...hosts, ...routes, ...this.tellOne('lds', [...wanted.listeners.values()])], gone);
    this.bound = await boundPorts(this.admin, wanted.listeners.keys());
    this.running = wanted;
    if (going.length > 0) await discovery.taken(this.tellOne('cds', [...wanted.clusters.values()]), gone);
    if ([...wanted.inbound.keys()].some((port) => !running?.inbound.has(port))) this.options.network.changed();
  }

  private tellAll(wanted: Desired): void {
    this.tell('eds', wanted.assignments);
    this.tell('rds', wanted.tables);
    this.tellOne('cds', [...wanted.clusters.values()]);
    this.tellOne('lds', [...wanted.listeners.values()]);
    this.running = wanted;
  }

  private tell(kind: Discovery, resources: ReadonlyMap<string, Message>) {
    return [...resources].flatMap(([name, resource]) => this.discovery.set(kind, name, [resource]) ?? []);
  }

  private tellOne(kind: Discovery, resources: readonly Message[]) {
    const topic = this.discovery.set(kind, 'all', resources);
    return topic ? [topic] : [];
  }

  /** A cluster that waits for its endpoints is not there yet for those who route to it. */
  private async untilWarm(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      const admin = this.admin();
      if (admin === undefined) return;
      const { text } = await httpRequest(new URL(`http://127.0.0.1:${admin}/stats?filter=warming_clusters`), {});
      if (/: 0\s*$/.test(text)) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error('its clusters wait for their endpoints');
  }

  private placeOfListener(name: string): { address: string; port: number } | undefined {
    const outbound = this.running?.outbound.find((listener) => listener.name === name);
    if (outbound) return outbound;
    const port = [...(this.running?.inbound.keys() ?? [])].find((inbound) => inboundListenerName(inbound) === name);
    return port === undefined ? undefined : { address: this.options.podIp, port };
  }

  private complain(error: unknown): void {
    if (this.ended.signal.aborted) return;
    const why = error instanceof Error ? error.message : String(error);
    const words = this.process?.lastWords();
    this.envoy.onError(new Error(`${this.id}: ${why}${words ? `\n${words}` : ''}`));
  }
}
