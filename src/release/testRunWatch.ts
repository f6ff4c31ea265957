import { sleep } from '../base/clock.js';
import { EnvironmentError, errorText } from '../base/errors.js';
import type { KubeObject } from '../base/kubernetes.js';
import { podRequest } from '../cluster/portForward.js';
import type { HeavyResult, Runner } from '../load/k6/heavyResult.js';
import { type MergedCounts, mergeRunners, missing, runnersQuery } from '../load/k6/merge.js';
import { complaintIn, summaryInLog } from '../load/k6/runnerLog.js';
import { K6_CONTAINER, podOfJob, podState, type RunnerState, runnerStates } from '../load/k6/runnerStates.js';
import { TEST_RUN } from '../load/k6/testRun.js';
import { shorten } from '../observe/http.js';
import type { HeavyDeps, HeavyOptions } from './heavyTypes.js';

const LOOK_MS = 1000;
/** The operator looks whether runners have ended every 15 s; k6 finishes requests under way, and its summary takes a moment. */
const END_PATIENCE_MS = 90_000;
/** A load that ends after so many requests says nothing of its length: it is given up when nothing was answered for so long. */
const SILENCE_MS = 300_000;
/** Runners that were told to stop. */
const STOP_PATIENCE_MS = 20_000;
/** How long Prometheus may lack what the runners counted. */
const SETTLE_MS = 15_000;
/** Without a word of the cluster the load is given up after so long. */
const BLIND_MS = 60_000;
const K6_PORT = 6565;
const LOG_LINES = 200;

/** One TestRun, looked at until its runners have ended. */
export class TestRunWatch {
  private readonly options: HeavyOptions;
  private readonly deps: HeavyDeps;
  private readonly name: string;
  private readonly namespace: string;
  private readonly signal: AbortSignal;
  private readonly createdAt: number;
  private readonly lookMs: number;
  private readonly told = new Map<string, string>();
  private runners: RunnerState[];
  private stage = '';
  private startedAt: number | undefined;
  private lastAnswerAt = 0;
  private merged: MergedCounts;

  constructor(
    options: HeavyOptions,
    deps: HeavyDeps,
    where: { readonly name: string; readonly namespace: string; readonly signal: AbortSignal },
  ) {
    this.options = options;
    this.deps = deps;
    this.name = where.name;
    this.namespace = where.namespace;
    this.signal = where.signal;
    this.createdAt = deps.clock.now();
    this.lookMs = options.lookMs ?? LOOK_MS;
    this.runners = runnerStates([], where.name, options.parallelism);
    this.merged = mergeRunners([], options.uris);
  }

  /** @throws EnvironmentError when the load does not start; afterwards nothing ends it without its result. */
  async follow(): Promise<HeavyResult> {
    const { clock } = this.deps;
    let seenAt = clock.now();
    let cut: string | undefined;
    for (;;) {
      try {
        await this.look();
        seenAt = clock.now();
      } catch (error) {
        if (this.startedAt === undefined) throw error;
        this.note('cluster', errorText(error));
        // Deleted, or given up by the operator: waiting changes nothing.
        const final = error instanceof EnvironmentError && error.code === 'E_TESTRUN';
        if (final || clock.now() - seenAt > BLIND_MS) cut = errorText(error);
      }
      if (this.runners.every(({ state }) => state === 'ended')) return this.result(cut);
      if (this.signal.aborted) cut ??= 'interrupted';
      cut ??= this.overdue();
      if (cut !== undefined) {
        await this.stop();
        return this.result(cut);
      }
      await sleep(clock, this.lookMs, this.signal);
    }
  }

  /** Reads stage, pods and counters, and tells what has changed. */
  private async look(): Promise<void> {
    const { client, clock, emit } = this.deps;
    const testRun = await client.get({ ...TEST_RUN, namespace: this.namespace, name: this.name });
    if (!testRun) throw new EnvironmentError('E_TESTRUN', `TestRun ${this.name} was deleted by somebody else`);
    const pods = await this.pods();
    this.runners = runnerStates(pods, this.name, this.options.parallelism);
    const stage = typeof testRun.status?.stage === 'string' ? testRun.status.stage : '';
    const seconds = (clock.now() - this.createdAt) / 1000;
    if (stage !== this.stage) emit({ type: 'stage', stage, seconds });
    this.stage = stage;
    if (stage === 'error') throw await this.refused(pods);
    if (this.startedAt === undefined && ['started', 'stopped', 'finished'].includes(stage)) {
      this.startedAt = clock.now();
      this.lastAnswerAt = clock.now();
    }
    for (const { index, state, reason } of this.runners) {
      if (state === 'waiting' && reason !== undefined) this.note(`runner ${index}`, reason);
    }
    this.lookAtStarter(pods);
    if (this.startedAt === undefined) {
      if (clock.now() - this.createdAt > this.options.startTimeoutMs) throw this.neverStarted(pods);
      return;
    }
    await this.count();
    this.progress(this.runners.filter(({ state }) => state === 'running').length, clock.now());
  }

  /** The stage says `started` as soon as the starter is there; without its word the runners stay paused. */
  private lookAtStarter(pods: readonly KubeObject[]): void {
    const starter = podOfJob(pods, this.name, 'starter');
    if (!starter) return;
    const { state, reason, exitCode } = podState(starter);
    if (state === 'waiting' && reason !== undefined) this.note('starter', reason);
    if (state === 'ended' && exitCode !== 0) this.note('starter', `it failed (${reason ?? `exit code ${exitCode}`})`);
  }

  private progress(running: number, now: number): void {
    const seconds = this.startedAt === undefined ? 0 : (now - this.startedAt) / 1000;
    this.deps.emit({ type: 'progress', seconds, running, merged: this.merged });
  }

  /** Says what is the matter with something, once until it changes. */
  private note(about: string, text: string): void {
    if (this.told.get(about) === text) return;
    this.told.set(about, text);
    this.deps.emit({ type: 'note', text: `${about}: ${shorten(text)}` });
  }

  private pods(): Promise<KubeObject[]> {
    return this.deps.client.list('v1', 'Pod', this.namespace, { k6_cr: this.name });
  }

  private async count(): Promise<void> {
    const { prometheus, clock } = this.deps;
    const seconds = (clock.now() - this.createdAt) / 1000 + 60;
    const before = this.merged.counts.ended;
    try {
      const samples = await prometheus.instant(runnersQuery(this.options.runId, seconds));
      this.merged = mergeRunners(samples, this.options.uris);
    } catch (error) {
      // The runners go on, and what they count is cumulative: a later look misses nothing.
      this.note('counters', errorText(error));
    }
    if (this.merged.counts.ended > before) this.lastAnswerAt = clock.now();
  }

  /** @returns why the load is not waited for any longer, if so. */
  private overdue(): string | undefined {
    const { durationMs } = this.options;
    if (this.startedAt === undefined) return undefined;
    const now = this.deps.clock.now();
    if (durationMs !== undefined && now - this.startedAt > durationMs + END_PATIENCE_MS) {
      return `runners have not ended ${END_PATIENCE_MS / 1000} s after the load should have`;
    }
    return now - this.lastAnswerAt > Math.max(SILENCE_MS, durationMs ?? 0)
      ? `nothing was answered for ${SILENCE_MS / 1000} s`
      : undefined;
  }

  /** Lets the runners end by k6's own interface, so that they still write what they counted; their pods' end would be too abrupt. */
  private async stop(): Promise<void> {
    const { client, clock } = this.deps;
    const body = JSON.stringify({ data: { type: 'status', id: 'default', attributes: { stopped: true } } });
    const request = { method: 'PATCH', path: '/v1/status', body } as const;
    await Promise.allSettled(
      this.runners.map(async ({ pod, state }) => {
        if (pod && state === 'running') await podRequest(client, this.namespace, pod, K6_PORT, request);
      }),
    );
    const deadline = clock.now() + STOP_PATIENCE_MS;
    try {
      while (this.runners.some(({ state }) => state === 'running') && clock.now() < deadline) {
        await sleep(clock, this.lookMs);
        this.runners = runnerStates(await this.pods(), this.name, this.options.parallelism);
      }
    } catch (error) {
      this.note('cluster', errorText(error));
    }
  }

  /** The runners' own totals from their logs, and Prometheus' counters once they hold as much. */
  private async result(cut: string | undefined): Promise<HeavyResult> {
    const { clock } = this.deps;
    const endedAt = clock.now();
    const words = await Promise.all(this.runners.map((runner) => this.lastWords(runner)));
    const lacking = () => words.map(({ own }, i) => own && missing(this.merged, i + 1, own));
    const deadline = endedAt + SETTLE_MS;
    // Without totals of their own to compare with, what the runners wrote last is awaited.
    const soon = endedAt + 2 * this.options.pushMs;
    while (this.startedAt !== undefined) {
      await this.count();
      const lacks = lacking();
      const waiting =
        lacks.some((each) => each !== undefined && each.length > 0) ||
        (lacks.includes(undefined) && clock.now() < soon);
      if (!waiting || clock.now() > deadline) break;
      await sleep(clock, this.lookMs);
    }
    const lacks = lacking();
    this.progress(0, endedAt);
    return {
      merged: this.merged,
      runners: this.runners.map((runner, i) => ({ ...runner, own: undefined, ...words[i], differences: lacks[i] })),
      seconds: this.startedAt === undefined ? 0 : (endedAt - this.startedAt) / 1000,
      cut,
    };
  }

  /** What a runner that has ended printed: its totals, and its first error if it ended badly. */
  private async lastWords({ pod, state, exitCode }: RunnerState): Promise<Pick<Runner, 'own' | 'complaint'>> {
    if (!pod || state !== 'ended') return { own: undefined };
    try {
      const log = await this.deps.client.logs(this.namespace, pod, K6_CONTAINER, LOG_LINES);
      const complaint = exitCode === 0 ? undefined : complaintIn(log);
      return { own: summaryInLog(log), ...(complaint === undefined ? {} : { complaint: shorten(complaint) }) };
    } catch (error) {
      this.note(`log of ${pod}`, errorText(error));
      return { own: undefined };
    }
  }

  private async refused(pods: readonly KubeObject[]): Promise<EnvironmentError> {
    const initializer = podOfJob(pods, this.name, 'initializer');
    const log = initializer
      ? await this.deps.client.logs(this.namespace, initializer.metadata.name, K6_CONTAINER, 20).catch(() => '')
      : '';
    const said = complaintIn(log);
    return new EnvironmentError(
      'E_TESTRUN',
      `the operator ended TestRun ${this.name} with an error${said ? `: ${shorten(said)}` : ''}`,
      said
        ? 'k6 could not read the script; try the same load without --target cluster, where k6 runs on this machine'
        : `its reason stands in the operator's log: kubectl -n k6-operator-system logs deploy/k6-operator-controller-manager`,
    );
  }

  private neverStarted(pods: readonly KubeObject[]): EnvironmentError {
    const seconds = this.options.startTimeoutMs / 1000;
    if (this.stage === '') {
      return new EnvironmentError(
        'E_OPERATOR',
        `TestRun ${this.name} was not taken up within ${seconds} s`,
        'the k6-operator is installed but does not act: kubectl -n k6-operator-system get pods; it may watch another namespace (WATCH_NAMESPACE)',
      );
    }
    const initializer = podOfJob(pods, this.name, 'initializer');
    const waiting =
      this.stage === 'initialization'
        ? [`initializer: ${(initializer && podState(initializer).reason) ?? 'not there yet'}`]
        : this.runners
            .filter(({ state }) => state !== 'running')
            .map(({ index, state, reason }) => `runner ${index}: ${reason ?? (state === 'absent' ? 'no pod' : state)}`);
    return new EnvironmentError(
      'E_RUNNERS',
      `the load did not start within ${seconds} s (stage ${this.stage}): ${waiting.map((text) => shorten(text)).join('; ')}`,
      remedyFor(waiting.join(' ')),
    );
  }
}

function remedyFor(reasons: string): string {
  if (/Image/.test(reasons)) return 'name an image that the nodes can pull with --runner-image';
  if (/Unschedulable|Insufficient|anti-affinity/.test(reasons))
    return 'ask for less (--runner-cpu, --runner-memory, --parallelism), or leave --separate out';
  if (/ConfigError|not found/.test(reasons)) return 'create what is missing, or leave --runner-secret out';
  return 'kubectl describe the pods while it waits; give it more time with --start-timeout';
}
