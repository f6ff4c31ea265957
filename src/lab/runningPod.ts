import type { Server } from 'node:http';
import type { Clock } from '../base/clock.js';
import { sleep } from '../base/clock.js';
import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { type Random, seededRandom } from '../base/random.js';
import { hasSidecar } from '../mesh/injection.js';
import { AppServer } from './apps/appServer.js';
import { type Apps, appNames, behaviourOf } from './apps/behaviour.js';
import { ByteServer } from './apps/byteServer.js';
import { AppClient } from './apps/client.js';
import { CookieJar } from './apps/cookieJar.js';
import { Database } from './apps/database.js';
import { callUnasked } from './apps/generic.js';
import { type AppRegistry, appKind, databaseOf } from './apps/registry.js';
import type { Distribution } from './control/distribution.js';
import type { LabFaults } from './control/faults.js';
import { closeServer, httpServer, listen } from './control/httpServer.js';
import { principalOf } from './control/identity.js';
import { SIDECAR } from './control/injection.js';
import { istiodListener } from './control/istiod.js';
import { hash32 } from './control/names.js';
import type { PodNetwork } from './control/network.js';
import { type ContainerSpec, podSpec, workloadOf } from './control/objects.js';
import type { PodProxy, StartPodProxy } from './control/podProxy.js';
import type { ContainerExit, ProgramStart, StartProgram } from './control/programs.js';
import { applicationPlace } from './control/scraping.js';
import type { ServiceAddresses } from './control/serviceAddress.js';
import { PodOutbound } from './podOutbound.js';

export interface RuntimeOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly apps: Apps;
  readonly network: PodNetwork;
  readonly addresses: ServiceAddresses;
  readonly distribution: Distribution;
  /** The sidecars' program. */
  readonly startProxy: StartPodProxy;
  /** Containers that are no applications; default: there are none. */
  readonly program?: StartProgram;
  /** Where connections of a pod without sidecar to a Service go: a ready pod of it, drawn per connection. */
  readonly openService?: (service: KubeObject, port: number) => Promise<number>;
  /** Zone of the node that a pod runs on; default: there are no zones. */
  readonly zoneOf?: (pod: KubeObject) => string | undefined;
  /** What goes wrong in pods; default nothing. */
  readonly faults?: Pick<LabFaults, 'ownCalls' | 'cookieJars' | 'zoneOutage'>;
}

interface Closable {
  close(): Promise<void> | void;
}

/** One pod: its applications' or programs' processes, and the sidecar in front of them. */
export class RunningPod {
  /** Port of the pod -> real port of the application behind it. */
  private readonly locals = new Map<number, number>();
  /** A container that declares no port may listen on any; the lab lets it serve them all. */
  private anyPort: number | undefined;
  private readonly options: RuntimeOptions;
  private readonly registry: AppRegistry;
  private readonly pod: KubeObject;
  private readonly ip: string;
  private readonly namespace: string;
  private readonly workload: string;
  private readonly ended = new AbortController();
  private readonly closables: Closable[] = [];
  private readonly seed: number;
  /** The cluster believes it ready, and nobody reaches it. */
  private readonly cutOff: boolean;
  private sidecar: PodProxy | undefined;
  private readonly outbound: PodOutbound;
  /** Told when the sidecar has ended by itself, and when it is up again. */
  onProxyHealth: (up: boolean) => void = () => undefined;
  /** Containers that end by themselves; a pod with one has no applications. */
  private readonly programs: readonly { readonly container: ContainerSpec; readonly start: ProgramStart }[];
  private readonly programsReady: Promise<void>[] = [];
  private tellExits: (exits: readonly ContainerExit[]) => void = () => undefined;
  /** Undefined: the pod serves until it is stopped. */
  readonly exited: Promise<readonly ContainerExit[]> | undefined;

  constructor(options: RuntimeOptions, registry: AppRegistry, pod: KubeObject, ip: string, cutOff: boolean) {
    this.options = options;
    this.registry = registry;
    this.pod = pod;
    this.ip = ip;
    this.cutOff = cutOff;
    this.namespace = namespaceOf(pod);
    this.workload = workloadOf(pod);
    this.seed = options.seed ^ hash32(`${this.namespace}/${pod.metadata.name}`);
    this.outbound = new PodOutbound({
      namespace: this.namespace,
      addresses: options.addresses,
      sidecar: () => this.sidecar,
      random: this.random(2),
      openService: options.openService,
    });
    this.closables.push(this.outbound);
    this.programs = this.containers().flatMap((container) => {
      const start = options.program?.(pod, container);
      return start ? [{ container, start }] : [];
    });
    if (this.programs.length > 0) {
      this.exited = new Promise((resolve) => {
        this.tellExits = resolve;
      });
    }
  }

  /** Where a port of the pod is served; undefined: it is not (yet). */
  localPort(port: number): number | undefined {
    return this.locals.get(port) ?? this.anyPort;
  }

  /** Opens the sidecar and takes the pod's address. */
  async start(): Promise<PodProxy | undefined> {
    const { network, addresses, clock, distribution, startProxy } = this.options;
    const serviceAccount = podSpec(this.pod).serviceAccountName ?? 'default';
    const localPort = (port: number) => this.localPort(port);
    if (hasSidecar(this.pod)) {
      const sidecar = await startProxy({
        clock,
        random: this.random(1),
        network,
        addresses,
        podIp: this.ip,
        pod: this.pod,
        workload: this.workload,
        serviceAccount,
        appPorts: declaredPorts(this.containers()),
        localPort,
        onHealth: (up) => this.onProxyHealth(up),
      });
      if (this.ended.signal.aborted) {
        await sidecar.close();
        return undefined;
      }
      this.sidecar = sidecar;
      this.closables.push({ close: distribution.connect(sidecar) }, sidecar);
      await sidecar.settled();
    }
    const { sidecar } = this;
    network.attach(this.ip, {
      inbound: (port) => (this.cutOff ? undefined : sidecar ? sidecar.inbound(port) : localPort(port)),
      accept: (port, socket) => (!this.cutOff && sidecar?.accept(port, socket)) ?? false,
      local: (port) => sidecar?.port(port) ?? localPort(port),
      principal: sidecar ? principalOf(this.namespace, serviceAccount) : undefined,
    });
    return sidecar;
  }

  /** @throws ContainerProblem when one cannot be started. */
  async startPrograms(): Promise<void> {
    const running = await Promise.all(
      this.programs.map(async ({ container, start }) => {
        const program = await start({
          pod: this.pod,
          container,
          route: (service, port) => this.outbound.route(service, port),
          open: (port, real) => this.open([port], real),
        });
        if (this.ended.signal.aborted) await program.stop();
        else this.closables.push({ close: () => program.stop() });
        return { container: container.name, program };
      }),
    );
    this.programsReady.push(...running.map(({ program }) => program.ready));
    void Promise.all(
      running.map(async ({ container, program }) => ({ container, exitCode: await program.ended })),
    ).then((exits) => this.tellExits(exits));
  }

  /** Starts the applications; each opens its ports after its start-up time. */
  async serve(): Promise<void> {
    if (this.exited) return void (await Promise.all(this.programsReady));
    await Promise.all(this.containers().map((container, index) => this.startContainer(container, index)));
  }

  async stop(): Promise<void> {
    this.ended.abort();
    const { network } = this.options;
    network.detach(this.ip);
    await Promise.allSettled(this.closables.splice(0).map(async (closable) => closable.close()));
  }

  private async startContainer(container: ContainerSpec, index: number): Promise<void> {
    const { clock, apps } = this.options;
    const image = container.image ?? '';
    const labels = this.pod.metadata.labels ?? {};
    const behaviour = behaviourOf(apps, appNames(this.workload, image, labels.app));
    const isIstiod = this.namespace === 'istio-system' && this.workload === 'istiod';
    if (!isIstiod) await sleep(clock, behaviour.startUp, this.ended.signal);
    if (this.ended.signal.aborted) return;
    const ports = declaredPorts([container]);
    if (isIstiod) return this.listenOn(ports, this.closing(httpServer(istiodListener(this.options.distribution))));
    if (appKind(image) === 'bytes') {
      const server = new ByteServer();
      this.closables.push(server);
      return this.open(ports, await server.listen());
    }
    const { cookieJars = [], ownCalls = {} } = this.options.faults ?? {};
    const jar = cookieJars.includes(this.workload) ? new CookieJar() : undefined;
    const client = new AppClient((host, port) => this.outbound.connect(host, port), jar);
    this.closables.push(client);
    const env = {
      pod: this.pod.metadata.name,
      namespace: this.namespace,
      workload: this.workload,
      image,
      labels,
      client,
      clock,
      random: this.random(10 + 3 * index),
    };
    let handler = this.registry.handler(env, behaviour.calls);
    const where = databaseOf(image);
    if (where) {
      const database = new Database(client, clock, where.host, where.port);
      this.closables.push(database);
      handler = database.observe(handler);
      database.start();
    }
    const perSecond = ownCalls[this.workload] ?? 0;
    if (perSecond > 0) this.closables.push({ close: callUnasked(env, behaviour.calls, perSecond) });
    const metrics = applicationPlace(this.pod);
    const random = this.random(11 + 3 * index);
    const server = new AppServer({ handler, behaviour, clock, random, metricsPath: metrics?.path });
    this.closables.push(server);
    const real = await server.listen();
    this.open(ports, real);
    // A port for metrics alone is often not declared.
    if (metrics && this.localPort(metrics.port) === undefined) this.open([metrics.port], real);
  }

  private closing(server: Server): Server {
    this.closables.push({ close: () => closeServer(server) });
    return server;
  }

  private async listenOn(ports: readonly number[], server: Server): Promise<void> {
    this.open(ports, await listen(server));
  }

  private open(ports: readonly number[], real: number): void {
    for (const port of ports) if (!this.locals.has(port)) this.locals.set(port, real);
    if (ports.length === 0) this.anyPort ??= real;
    this.sidecar?.appOpened();
    this.options.network.changed();
  }

  private containers(): ContainerSpec[] {
    return podSpec(this.pod).containers.filter((container) => container.name !== SIDECAR);
  }

  private random(stream: number): Random {
    return seededRandom(this.seed, stream);
  }
}

const declaredPorts = (containers: readonly ContainerSpec[]): number[] => [
  ...new Set(containers.flatMap((container) => (container.ports ?? []).map((port) => port.containerPort))),
];
