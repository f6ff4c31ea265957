import { setMaxListeners } from 'node:events';
import { sleep } from '../../base/clock.js';
import { errorText } from '../../base/errors.js';
import type { KubeObject } from '../../base/kubernetes.js';
import { type Condition, type ControlContext, type Controller, conditions, putStatus, timestamp } from './context.js';
import { inject, SIDECAR } from './injection.js';
import { AddressPool } from './names.js';
import { isTerminating, podSpec, workloadOf } from './objects.js';
import { type ContainerExit, ContainerProblem } from './programs.js';
import { isOwnNode, nodeFor } from './scheduling.js';

/** What really runs for a pod. */
export interface PodProcess {
  /** Resolves when the containers run; rejects when they cannot. */
  readonly running: Promise<void>;
  /** Resolves when the application serves. */
  readonly ready: Promise<void>;
  /** Whoever is to be told when the proxy container has ended by itself, and when it was restarted. */
  onProxyHealth?(listener: (up: boolean) => void): void;
  /** Resolves when all containers have ended by themselves; undefined: they serve until they are stopped. Never rejects. */
  readonly ended?: Promise<readonly ContainerExit[]> | undefined;
  /** Ends everything; no listener of the pod is left afterwards. */
  stop(): Promise<void>;
}

/** Starts what a pod describes, at the given pod address. */
type RunPod = (pod: KubeObject, ip: string) => PodProcess;

export interface KubeletOptions {
  readonly run: RunPod;
  /** How long a terminating pod keeps serving, so that callers learn of it first; ms. */
  readonly drainMs: number;
}

/** What containers do now: wait (for what reason), run, or have ended. */
type Doing =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly kind: 'running'; readonly ready: boolean }
  | { readonly kind: 'ended'; readonly exits: readonly ContainerExit[] };

interface Held {
  readonly ip: string;
  process: PodProcess | undefined;
  /** Nothing is reported of a pod any more that has ended. */
  over: boolean;
  readonly ended: AbortController;
  /** Of the proxy container. */
  proxy: { readonly up: boolean; readonly restarts: number };
  /** As it was reported last. */
  doing: Doing;
}

/** The kubelet of every node: admits pods, runs them, reports their state, ends them after a drain. */
export class Kubelet implements Controller {
  readonly resources = ['pods'];
  private readonly context: ControlContext;
  private readonly options: KubeletOptions;
  private readonly held = new Map<string, Held>();
  private readonly endings = new Set<Promise<void>>();
  private readonly addresses = new AddressPool('10.244');
  private readonly closing = new AbortController();

  constructor(context: ControlContext, options: KubeletOptions) {
    this.context = context;
    this.options = options;
    // Every pod that drains sleeps on this signal.
    setMaxListeners(0, this.closing.signal);
  }

  reconcile(): void {
    if (this.closing.signal.aborted) return;
    const { store } = this.context;
    const alive = new Set<string>();
    for (const pod of store.list('pods')) {
      const uid = pod.metadata.uid ?? '';
      const node = pod.spec?.nodeName;
      if (typeof node === 'string' && !isOwnNode(store, node)) continue;
      alive.add(uid);
      if (isTerminating(pod)) this.end(uid, pod);
      else if (!this.held.has(uid)) this.admit(pod, uid);
    }
    for (const uid of this.held.keys()) if (!alive.has(uid)) this.end(uid, undefined);
  }

  /** Ends all pods at once. */
  async close(): Promise<void> {
    this.closing.abort();
    const stopping = [...this.held.values()].map((held) => {
      held.ended.abort();
      return held.process?.stop();
    });
    await Promise.allSettled([...stopping, ...this.endings]);
    this.held.clear();
  }

  private admit(pod: KubeObject, uid: string): void {
    const { store } = this.context;
    const held: Held = {
      ip: this.addresses.take(),
      process: undefined,
      over: false,
      ended: new AbortController(),
      doing: { kind: 'waiting', reason: 'ContainerCreating' },
      proxy: { up: true, restarts: 0 },
    };
    this.held.set(uid, held);
    const injected = inject(store, pod, workloadOf(pod));
    const admitted = store.put('pods', {
      ...injected,
      metadata: { ...injected.metadata, uid },
      spec: { ...podSpec(injected), nodeName: pod.spec?.nodeName ?? nodeFor(store, injected) },
    });
    this.report(admitted, held, held.doing);
    void this.start(admitted, held);
  }

  private async start(pod: KubeObject, held: Held): Promise<void> {
    const report = (doing: Doing) => {
      if (!held.ended.signal.aborted && !held.over) this.report(pod, held, doing);
    };
    try {
      held.process = this.options.run(pod, held.ip);
      held.process.onProxyHealth?.((up) => {
        held.proxy = { up, restarts: held.proxy.restarts + (up ? 1 : 0) };
        if (held.doing.kind === 'running') report(held.doing);
      });
      await held.process.running;
      report({ kind: 'running', ready: false });
      void held.process.ended?.then((exits) => {
        report({ kind: 'ended', exits });
        held.over = true;
      });
      await held.process.ready;
      report({ kind: 'running', ready: true });
    } catch (error) {
      const reason = error instanceof ContainerProblem ? error.reason : 'CreateContainerError';
      report({ kind: 'waiting', reason, message: errorText(error) });
    }
  }

  private end(uid: string, pod: KubeObject | undefined): void {
    const held = this.held.get(uid);
    if (held?.ended.signal.aborted) return;
    if (!held) {
      if (pod) this.context.store.remove('pods', pod.metadata.namespace, pod.metadata.name);
      return;
    }
    held.ended.abort();
    const ending = this.drain(held, pod).finally(() => {
      this.held.delete(uid);
      this.addresses.release(held.ip);
      this.endings.delete(ending);
    });
    this.endings.add(ending);
  }

  private async drain(held: Held, pod: KubeObject | undefined): Promise<void> {
    const { clock, store } = this.context;
    const forced = pod?.metadata.deletionGracePeriodSeconds === 0;
    if (!forced) await sleep(clock, this.options.drainMs, this.closing.signal);
    await held.process?.stop().catch(() => undefined);
    if (!pod || this.closing.signal.aborted) return;
    const newest = store.get('pods', pod.metadata.namespace, pod.metadata.name);
    if (newest?.metadata.uid === pod.metadata.uid) store.remove('pods', pod.metadata.namespace, pod.metadata.name);
  }

  private report(pod: KubeObject, held: Held, doing: Doing): void {
    const { clock, store } = this.context;
    const before = store.get('pods', pod.metadata.namespace, pod.metadata.name)?.status;
    held.doing = doing;
    const { proxy } = held;
    const serving = doing.kind === 'running' && doing.ready;
    const ready = serving && proxy.up;
    const condition = (type: string, holds: boolean): Condition => ({
      type,
      status: holds ? 'True' : 'False',
      reason: holds ? '' : doing.kind === 'ended' ? 'PodCompleted' : 'ContainersNotReady',
      message: '',
    });
    const statusBefore = new Map(
      ((before?.containerStatuses ?? []) as { name: string; state?: { running?: { startedAt?: string } } }[]).map(
        ({ name, state }) => [name, state?.running?.startedAt],
      ),
    );
    putStatus(this.context, 'pods', pod, {
      phase: phaseOf(doing),
      conditions: conditions(clock, before?.conditions, [
        condition('PodScheduled', true),
        condition('Initialized', true),
        condition('ContainersReady', ready),
        condition('Ready', ready),
      ]),
      hostIP: '127.0.0.1',
      hostIPs: [{ ip: '127.0.0.1' }],
      podIP: held.ip,
      podIPs: [{ ip: held.ip }],
      qosClass: 'BestEffort',
      startTime: before?.startTime ?? timestamp(clock),
      containerStatuses: podSpec(pod).containers.map((container) => {
        const isProxy = container.name === SIDECAR;
        const down = isProxy && doing.kind === 'running' && !proxy.up;
        const startedAt = statusBefore.get(container.name) ?? timestamp(clock);
        return {
          name: container.name,
          image: container.image ?? '',
          imageID: '',
          ready: serving && !down,
          started: doing.kind === 'running' && !down,
          restartCount: isProxy ? proxy.restarts : 0,
          state: down
            ? { waiting: { reason: 'CrashLoopBackOff' } }
            : stateOf(doing, container.name, startedAt, timestamp(clock)),
          lastState: {},
        };
      }),
    });
  }
}

function phaseOf(doing: Doing): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  if (doing.kind === 'waiting') return 'Pending';
  if (doing.kind === 'running') return 'Running';
  return doing.exits.every(({ exitCode }) => exitCode === 0) ? 'Succeeded' : 'Failed';
}

function stateOf(doing: Doing, container: string, startedAt: string, now: string): Record<string, unknown> {
  if (doing.kind === 'waiting') {
    return { waiting: { reason: doing.reason, ...(doing.message ? { message: doing.message } : {}) } };
  }
  if (doing.kind === 'running') return { running: { startedAt: now } };
  // A sidecar ends with the last container that does the work.
  const exitCode = doing.exits.find((exit) => exit.container === container)?.exitCode ?? 0;
  return { terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt, finishedAt: now } };
}
