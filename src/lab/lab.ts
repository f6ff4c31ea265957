import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../base/clock.js';
import { EnvironmentError } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import { seededRandom } from '../base/random.js';
import { millis } from '../base/units.js';
import type { ClusterClient } from '../cluster/client.js';
import { startApiServer } from './api/server.js';
import type { Apps } from './apps/behaviour.js';
import { Closers } from './closers.js';
import { bootstrap, keepServiceAccounts } from './control/bootstrap.js';
import { runControllers } from './control/controllers.js';
import { daemonSetController } from './control/daemonSets.js';
import { deploymentController } from './control/deployments.js';
import { Distribution } from './control/distribution.js';
import type { LabFaults } from './control/faults.js';
import { emptyDeletedNamespaces, garbageController } from './control/garbage.js';
import { listen } from './control/httpServer.js';
import { isGatewayPod } from './control/injection.js';
import { Kubelet } from './control/kubelet.js';
import { PodNetwork } from './control/network.js';
import { podSpec } from './control/objects.js';
import type { StartPodProxy } from './control/podProxy.js';
import { PodLogs } from './control/programs.js';
import { podSetController } from './control/replicaSets.js';
import { zoneOf } from './control/scheduling.js';
import { ServiceAddresses } from './control/serviceAddress.js';
import { serviceController } from './control/services.js';
import { Store } from './control/store.js';
import type { ScrapeTarget } from './control/types.js';
import { closeEntry, DefaultEntry, type EntryPoint, entryServer, ServiceFronts } from './entry.js';
import { notCovered } from './envoy/notCovered.js';
import { EnvoySidecar } from './envoy/sidecar.js';
import { follow, untilSeen } from './follow/follow.js';
import { startKiali } from './kiali/server.js';
import { k6Operator } from './operator/operator.js';
import { testRunPrograms } from './operator/programs.js';
import { PodRuntime } from './podRuntime.js';
import { startPrometheus } from './prometheus/server.js';
import { notRehearsed } from './proxy/notRehearsed.js';
import { Sidecar } from './proxy/sidecar.js';
import { scrapeTargets } from './scrapeTargets.js';
import { applyStartObjects, sendTo } from './startObjects.js';

export interface LabOptions {
  /** Applied in order before the lab is ready. */
  readonly objects: readonly KubeObject[];
  /** Behaviour by workload, image or app label; see the scenario's `lab.apps`. */
  readonly apps: Apps;
  /** ms, default 1000. */
  readonly scrapeIntervalMs?: number;
  /** From a changed object to changed sidecars; ms, default 300. */
  readonly propagationMs?: number;
  /** Workload -> how many of its proxies keep the routes they have when the lab is up; default none. */
  readonly stale?: Readonly<Record<string, number>>;
  /** What goes wrong without an object that says so; default nothing. */
  readonly faults?: LabFaults;
  /** Names, draws and latencies follow from it; default 1. */
  readonly seed?: number;
  /** Which Service `baseUrl` leads to; default: see DefaultEntry. */
  readonly entry?: EntryPoint;
  /** 0 (default): any free port of 127.0.0.1. */
  readonly ports?: {
    readonly api?: number;
    readonly base?: number;
    readonly prometheus?: number;
    readonly kiali?: number;
  };
  /** Puts a real Envoy beside every pod; default: sidecars of the lab's own. */
  readonly envoy?: {
    /** Path of the program. */
    readonly binary: string;
  };
  /** Another API server, which the lab serves as controllers, kubelet and mesh instead of having one of its own; its objects stay there. */
  readonly follow?: ClusterClient;
  /** Path of the k6 that runs in the pods of TestRuns; default: its image cannot be pulled. */
  readonly k6?: string | undefined;
  readonly clock?: Clock;
  /** Told, once each, what of the objects the sidecars leave out (with Envoys all of it, else what decides about calls); default: it is dropped. */
  readonly onWarning?: (warning: string) => void;
  /** Told of faults inside the lab, which never stop it; default: they are dropped. */
  readonly onError?: (error: unknown) => void;
}

export interface Lab {
  /** Text of a kubeconfig file. */
  readonly kubeconfig: string;
  readonly apiUrl: string;
  readonly baseUrl: string;
  readonly prometheusUrl: string;
  /** With `/kiali`. */
  readonly kialiUrl: string;
  readonly store: Store;
  /** Objects of kinds that the lab does not serve; they were left out. */
  readonly unknownObjects: readonly KubeObject[];
  /** Which Service `baseUrl` leads to now. */
  entry(): EntryPoint | undefined;
  targets(): ScrapeTarget[];
  /** What a real Prometheus needs to scrape the lab alike. */
  prometheusConfig(): string;
  close(): Promise<void>;
}

/** How long a terminating pod serves after its removal began to travel to the sidecars; ms. */
const DRAIN_AFTER_PROPAGATION_MS = 300;

/**
 * Starts the embedded mesh in this process: API server, controllers, sidecars, applications, Prometheus, Kiali, all on
 * 127.0.0.1. Every listener is up when it resolves; pods become ready after their start-up times.
 * @throws EnvironmentError when a requested port is taken or an object is refused; nothing is left then.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const { objects, apps, seed = 1, propagationMs = 300, scrapeIntervalMs = 1000, ports = {} } = options;
  const clock = options.clock ?? systemClock;
  const onError = options.onError ?? (() => undefined);
  const store = new Store();
  const context = { store, clock, random: seededRandom(seed, 1) };
  const network = new PodNetwork();
  const addresses = new ServiceAddresses(store, network);
  const distribution = new Distribution(store, clock, millis(propagationMs), options.stale);
  const envoys = options.envoy && mkdtempSync(join(tmpdir(), 'weighbridge-envoy-'));
  const { binary } = options.envoy ?? {};
  const startProxy: StartPodProxy =
    envoys && binary
      ? (proxy) =>
          isGatewayPod(proxy.pod)
            ? Sidecar.start(proxy)
            : EnvoySidecar.start(proxy, { binary, folder: envoys, onError })
      : (proxy) => Sidecar.start(proxy);
  const logs = new PodLogs();
  const fronts = new ServiceFronts(store, addresses, network, seededRandom(seed, 3));
  let prometheusUrl = '';
  const runtime = new PodRuntime({
    clock,
    seed,
    apps,
    network,
    addresses,
    distribution,
    startProxy,
    program: testRunPrograms({ store, clock, logs, k6: options.k6, prometheusUrl: () => prometheusUrl }),
    openService: (service, port) => fronts.port(service, port),
    zoneOf: (pod) => zoneOf(store, pod),
    ...(options.faults ? { faults: options.faults } : {}),
  });
  const kubelet = new Kubelet(context, {
    run: (pod, ip) => runtime.run(pod, ip),
    drainMs: propagationMs + DRAIN_AFTER_PROPAGATION_MS,
  });
  const closers = new Closers(clock, onError);
  if (envoys) {
    closers.push(() => rmSync(envoys, { recursive: true, force: true }));
  }
  closers.push(warnOfRest(store, envoys ? notCovered : notRehearsed, options.onWarning));
  const resolvePodPort = (namespace: string, pod: string, port: number) => {
    const found = store.get('pods', namespace, pod);
    const real = found && runtime.cutOff(found) ? undefined : runtime.localPort(namespace, pod, port);
    return real === undefined ? undefined : { host: '127.0.0.1', port: real };
  };
  const followed = options.follow && (await follow(options.follow, { store, clock, onError, resolvePodPort }));
  if (followed) closers.push(() => followed.close());
  bootstrap(store, followed?.kubeletPort);
  const controllers = runControllers(
    store,
    [
      garbageController(context),
      deploymentController(context),
      podSetController(context),
      daemonSetController(context),
      kubelet,
      serviceController(context),
      ...k6Operator(context, logs),
    ],
    onError,
  );
  const stopServiceAccounts = keepServiceAccounts(store);
  const stopNamespaces = emptyDeletedNamespaces(store);
  closers.push(async () => {
    controllers.close();
    stopServiceAccounts();
    stopNamespaces();
    distribution.close();
    await kubelet.close();
    await fronts.close();
  });
  controllers.settle();
  const { metricRelabelling = [] } = options.faults ?? {};
  const byObjects = new DefaultEntry(store);
  const entryPoint = () => options.entry ?? byObjects.get();
  const jobs = [{ name: 'kubernetes-pods' }, ...(options.faults?.scrapeJobs ?? [])];
  const targets = () => scrapeTargets(store, runtime, jobs);
  try {
    const entry = entryServer(store, addresses, network, seededRandom(seed, 2), entryPoint);
    const [api, prometheus, basePort] = await allOrFirstError([
      followed
        ? Promise.resolve(undefined)
        : startApiServer({ store, port: ports.api ?? 0, resolvePodPort, podLog: podLog(store, logs) }).then((server) =>
            closers.keep(server),
          ),
      startPrometheus({ targets, scrapeIntervalMs, port: ports.prometheus ?? 0, clock, metricRelabelling }).then(
        (server) => closers.keep(server),
      ),
      listen(entry.server, ports.base ?? 0).then((port) => {
        closers.push(() => closeEntry(entry));
        return port;
      }),
    ]);
    prometheusUrl = prometheus.url;
    const kiali = closers.keep(
      await startKiali({
        store,
        prometheusUrl: prometheus.url,
        port: ports.kiali ?? 0,
        auth: { strategy: 'anonymous' },
      }),
    );
    const unknownObjects = followed
      ? await applyStartObjects(followed.api.request.bind(followed.api), objects, clock, 'kept')
      : await applyStartObjects(sendTo(api?.url ?? ''), objects, clock);
    if (followed) await untilSeen(store, objects);
    controllers.settle();
    distribution.hold();
    return {
      kubeconfig: api?.kubeconfig() ?? options.follow?.kubeConfig.exportConfig() ?? '',
      apiUrl: api?.url ?? followed?.api.server ?? '',
      baseUrl: `http://127.0.0.1:${basePort}`,
      prometheusUrl: prometheus.url,
      kialiUrl: kiali.url,
      store,
      unknownObjects,
      entry: entryPoint,
      targets,
      prometheusConfig: () => prometheus.scrapeConfig(),
      close: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    const { code, port } = error as NodeJS.ErrnoException & { port?: number };
    if (code !== 'EADDRINUSE') throw error;
    const taken = `Port ${port} of 127.0.0.1 is taken.`;
    throw new EnvironmentError('E_PORT_TAKEN', taken, 'choose another one, or 0 for any free port', { cause: error });
  }
}

/** Like Promise.all, but waits for the others before it fails, so that whatever they opened can be closed. */
async function allOrFirstError<T extends readonly unknown[]>(tasks: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(tasks);
  return (await Promise.all(tasks)) as unknown as T;
}

/** Of a container, by default the pod's first. */
const podLog =
  (store: Store, logs: PodLogs) =>
  (namespace: string, name: string, container: string | undefined): string => {
    const pod = store.get('pods', namespace, name);
    return pod ? logs.read(namespace, name, container ?? podSpec(pod).containers[0]?.name ?? '') : '';
  };

/** Tells what of each new state of an object the sidecars leave out. @returns what ends it. */
function warnOfRest(
  store: Store,
  leftOut: (object: KubeObject) => readonly string[],
  onWarning: (warning: string) => void = () => undefined,
): () => void {
  const told = new Set<string>();
  return store.subscribe(({ type, object }) => {
    if (type === 'DELETED') return;
    for (const warning of leftOut(object).filter((text) => !told.has(text))) {
      told.add(warning);
      onWarning(warning);
    }
  });
}
