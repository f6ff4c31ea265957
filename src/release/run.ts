import { type Clock, sleep } from '../base/clock.js';
import { EnvironmentError, EXIT, errorText, WeighbridgeError } from '../base/errors.js';
import type { ClusterClient } from '../cluster/client.js';
import { type Lease, takeLease } from '../cluster/lease.js';
import { withoutSecrets } from '../cluster/objects.js';
import { readUndoFromCluster, UndoList, undoRecord } from '../cluster/undo.js';
import { planChecks } from '../judge/checkPlan.js';
import type { Verdict } from '../judge/types.js';
import { startLoad } from '../load/engine.js';
import { seedData } from '../load/seed.js';
import type { LoadRun } from '../load/types.js';
import type { Observer } from '../observe/types.js';
import { mixInMarkerUris } from '../scenario/markers.js';
import type { ManifestObject, Scenario, Stage } from '../scenario/types.js';
import type { RunEventBody } from './events.js';
import { makeObservers, type ObservedTarget } from './observers.js';
import { checkNamespace, checkTarget } from './preflight.js';
import { walkStage } from './stage.js';

/** Connections are opened and code is compiled in the first seconds of a load; the first stage shall not be judged by them. */
const START_UP_MS = 2000;

export interface RunOptions {
  readonly runId: string;
  readonly weighbridgeVersion: string;
  /** Names of the stages to walk, in the scenario's order. */
  readonly stages: readonly string[];
  readonly seed: number;
  /** What sends the load; `none` where others do. */
  readonly engine: 'undici' | 'none';
  /** A passed run leaves the last stage in place. */
  readonly keep: boolean;
  readonly target: ObservedTarget & { readonly kind: 'lab' | 'cluster'; readonly baseUrl: string };
  /** The write-ahead list of this run on disk. */
  readonly undoFile: string;
}

export interface RunDeps {
  readonly clock: Clock;
  readonly client: ClusterClient;
  /** Returns when the event is on disk. */
  readonly emit: (event: RunEventBody) => void;
  /** Aborted by Ctrl-C; `reason` is the signal's name. */
  readonly signal: AbortSignal;
}

/**
 * Walks the stages of a release under load and undoes every change at the end. Everything that happens is an event; what it means is for
 * the judge. Never throws: errors are events too.
 */
export async function runRelease(scenario: Scenario, options: RunOptions, deps: RunDeps): Promise<void> {
  const { clock, client, emit } = deps;
  const { baseUrl } = options.target;
  emit(runStarted(scenario, options, client.context));
  const undo = new UndoList(client, options.undoFile, options.runId, scenario.namespace);
  const lost = new AbortController();
  const signal = AbortSignal.any([deps.signal, lost.signal]);
  let lease: Lease | undefined;
  let load: LoadRun | undefined;
  let passed = false;
  try {
    const observers = makeObservers(scenario, options.target, () => load, clock);
    await client.check();
    await checkNamespace(client, scenario);
    lease = await takeLease(client, scenario.namespace, options.runId, clock, () =>
      lost.abort('the lease was taken by another run'),
    );
    // Caps are exact and take their time, once: computed under load they would make the load late.
    for (const stage of scenario.stages) planChecks(scenario, stage);
    await undoLeftover(client, scenario.namespace, emit);
    await checkTarget(client, scenario);
    await reachable(scenario, observers, emit);
    const { variables, created } = await seedData({ baseUrl, names: scenario.seed, signal, clock });
    emit({ type: 'seeded', variables, created });
    const { entries, mixedIn } = mixInMarkerUris(scenario);
    load = startLoad(
      {
        baseUrl,
        uris: entries,
        variables,
        model: scenario.load.model,
        order: scenario.load.order,
        seed: options.seed,
        timeoutMs: scenario.load.timeout,
        marker: scenario.marker,
        defaultVersion: Object.keys(scenario.versions).find((version) => !scenario.marker?.versions[version]),
      },
      { clock },
    );
    emit({ type: 'load-started', uris: entries.map((entry) => `${entry.method} ${entry.target}`), mixedIn });
    await sleep(clock, START_UP_MS, signal);
    const verdicts: Verdict[] = [];
    for (const stage of scenario.stages.filter((candidate) => options.stages.includes(candidate.name))) {
      if (signal.aborted) break;
      verdicts.push(await walkStage({ scenario, stage, client, undo, load, observers, clock, signal, emit }));
    }
    passed = !signal.aborted && verdicts.every((verdict) => verdict === 'pass') && load.health().valid;
  } catch (error) {
    if (!deps.signal.aborted) emit(failure(error));
  }
  if (lost.signal.aborted)
    emit(failure(new EnvironmentError('E_LEASE', String(lost.signal.reason), 'run one at a time in a namespace')));
  if (deps.signal.aborted)
    emit({ type: 'interrupted', signal: deps.signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT' });
  await finish({ load, undo, lease, emit, keep: options.keep && passed });
}

interface Parts {
  readonly load: LoadRun | undefined;
  readonly undo: UndoList;
  readonly lease: Lease | undefined;
  readonly emit: RunDeps['emit'];
  readonly keep: boolean;
}

/** Stops the load and puts the cluster back. Every step is taken even when the one before failed: a full disk must not leave a changed cluster. */
async function finish({ load, undo, lease, emit, keep }: Parts): Promise<void> {
  const steps: (() => Promise<void>)[] = [
    async () => {
      if (load) emit({ type: 'load-finished', summary: await load.stop() });
    },
    async () => {
      if (undo.size === 0) return;
      if (keep) await undo.forget();
      emit({ type: 'restored', objects: keep ? [] : await undo.undo(), kept: keep });
    },
    async () => lease?.release(),
    async () => emit({ type: 'run-finished' }),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      emit(failure(error));
    }
  }
}

/** What an earlier run left in the namespace is undone before this one looks at anything. */
async function undoLeftover(client: ClusterClient, namespace: string, emit: RunDeps['emit']): Promise<void> {
  const record = await readUndoFromCluster(client, namespace);
  if (!record) return;
  emit({ type: 'restored', objects: await undoRecord(client, record), kept: false });
}

/** Asks every vantage point; a required one that does not answer ends the run before any load, an accounting one is only missing. */
export async function reachable(
  scenario: Scenario,
  observers: readonly Observer[],
  emit: RunDeps['emit'],
): Promise<void> {
  for (const observer of observers) {
    try {
      await observer.check();
    } catch (error) {
      if (isRequired(scenario, observer)) throw error;
      emit({ type: 'unreachable', vantagePoint: observer.vantagePoint, reason: errorText(error) });
    }
  }
}

const isRequired = (scenario: Scenario, { vantagePoint }: Observer): boolean =>
  scenario.watch[vantagePoint] === 'require' ||
  (vantagePoint === 'destination' && scenario.stages.some((stage) => stage.expect.mirror !== undefined));

/** The event for an error that ends the run. */
export function failure(error: unknown): RunEventBody {
  const known = error instanceof WeighbridgeError ? error : undefined;
  return {
    type: 'failed',
    code: known?.code ?? 'E_HARNESS',
    message: errorText(error),
    hint: known?.hint ?? '',
    exitCode: known?.exitCode ?? EXIT.environment,
  };
}

/** The first event of every journal. */
export function runStarted(scenario: Scenario, options: RunOptions, context: string): RunEventBody {
  const { kind, baseUrl, prometheusUrl, kialiUrl } = options.target;
  return {
    type: 'run-started',
    schemaVersion: 1,
    runId: options.runId,
    weighbridgeVersion: options.weighbridgeVersion,
    scenario: publicScenario(scenario),
    stages: options.stages,
    seed: options.seed,
    engine: options.engine,
    target: {
      kind,
      baseUrl: withoutCredentials(baseUrl),
      prometheusUrl: withoutCredentials(prometheusUrl),
      kialiUrl: withoutCredentials(kialiUrl),
      context,
    },
  };
}

/** `http://user:password@host` is allowed as an address; the journal holds no secrets. */
function withoutCredentials(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (!url.username && !url.password) return address;
  url.username = '';
  url.password = '';
  return url.href.replace(/\/$/, '');
}

/** The scenario as the journal may hold it. */
function publicScenario(scenario: Scenario): Scenario {
  const scrub = (manifest: ManifestObject): ManifestObject => ({
    ...manifest,
    object: withoutSecrets(manifest.object),
  });
  return {
    ...scenario,
    stages: scenario.stages.map((stage: Stage) => ({ ...stage, apply: stage.apply.map(scrub) })),
    lab: { ...scenario.lab, objects: [] },
  };
}
