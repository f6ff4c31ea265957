import { sleep } from '../base/clock.js';
import { EnvironmentError } from '../base/errors.js';
import { type Lease, takeLease } from '../cluster/lease.js';
import { UndoList } from '../cluster/undo.js';
import { planChecks } from '../judge/checkPlan.js';
import type { Verdict } from '../judge/types.js';
import { refuseForK6 } from '../load/k6/lacks.js';
import type { LoadRun } from '../load/loadRun.js';
import type { Observer } from '../observe/types.js';
import type { Scenario } from '../scenario/types.js';
import { checkChanges } from './changes.js';
import { failure, tell } from './failure.js';
import { undoLeftover } from './leftover.js';
import { loadSpecOf, startSeededLoad } from './load.js';
import { makeObservers, reachable } from './observers.js';
import type { RunDeps, RunOptions } from './options.js';
import { checkNamespace, checkTarget } from './preflight.js';
import { walkStage } from './stage.js';
import { runStarted } from './started.js';

/** Connections are opened and code is compiled in the first seconds of a load; the first stage shall not be judged by them. */
const START_UP_MS = 2000;

/**
 * Walks the stages of a release under load and undoes every change at the end. Everything that happens is an event; what it means is for
 * the judge. Never throws: errors are events too.
 */
export async function runRelease(scenario: Scenario, options: RunOptions, deps: RunDeps): Promise<void> {
  const { clock, client, emit } = deps;
  const undo = new UndoList(client, options.undoFile, options.runId, scenario.namespace);
  const lost = new AbortController();
  /** The load has ended by itself, which it never should. */
  const over = new AbortController();
  const signal = AbortSignal.any([deps.signal, lost.signal, over.signal]);
  const stages = scenario.stages.filter(({ name }) => options.stages.includes(name));
  let lease: Lease | undefined;
  let load: LoadRun | undefined;
  let passed = false;
  try {
    emit(runStarted(scenario, options, client.context));
    checkChanges(stages);
    if (options.engine === 'k6') refuseForK6(loadSpecOf(scenario, options, {}));
    const observers = makeObservers(scenario, options.target, () => load, clock);
    await client.check();
    await checkNamespace(client, scenario);
    lease = await takeLease(client, scenario.namespace, options.runId, clock, (why) => lost.abort(why));
    // Caps are exact and take their time, once: computed under load they would make the load late.
    for (const stage of scenario.stages) planChecks(scenario, stage);
    await undoLeftover(client, scenario.namespace, (objects) => emit({ type: 'restored', objects, kept: false }));
    await checkTarget(client, scenario);
    await reachable(scenario, observers, emit, signal);
    load = await startSeededLoad(scenario, options, { clock, emit, signal });
    void load.finished.then(() => over.abort());
    await sleep(clock, START_UP_MS, signal);
    const verdicts: Verdict[] = [];
    const silent = new Set<Observer>();
    for (const stage of stages) {
      if (signal.aborted) break;
      verdicts.push(await walkStage({ scenario, stage, client, undo, load, observers, silent, clock, signal, emit }));
    }
    passed = !signal.aborted && verdicts.every((verdict) => verdict === 'pass');
  } catch (error) {
    // What an interrupt cuts short fails by that, and says nothing.
    if (!signal.aborted) tell(emit, failure(error));
  }
  if (lost.signal.aborted) {
    const why = `the lease of namespace ${scenario.namespace} is lost: ${String(lost.signal.reason)}`;
    tell(emit, failure(new EnvironmentError('E_LEASE', why, 'run one at a time in a namespace')));
  }
  if (deps.signal.aborted)
    tell(emit, { type: 'interrupted', signal: deps.signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT' });
  await finish({ load, undo, lease, emit, keep: options.keep && passed });
}

interface Parts {
  readonly load: LoadRun | undefined;
  readonly undo: UndoList;
  readonly lease: Lease | undefined;
  readonly emit: RunDeps['emit'];
  /** The stages allow it; the load has a word too. */
  readonly keep: boolean;
}

/** Stops the load and puts the cluster back. Every step is taken even when the one before failed: a full disk must not leave a changed cluster. */
async function finish({ load, undo, lease, emit, keep }: Parts): Promise<void> {
  let kept = keep;
  const steps: (() => Promise<void>)[] = [
    async () => {
      if (!load) return;
      const summary = await load.stop();
      kept &&= summary.generator.valid;
      emit({ type: 'load-finished', summary });
    },
    async () => {
      if (undo.size === 0) return;
      if (kept) await undo.forget();
      emit({ type: 'restored', objects: kept ? [] : await undo.undo(), kept });
    },
    async () => lease?.release(),
    async () => emit({ type: 'run-finished' }),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      kept = false;
      tell(emit, failure(error));
    }
  }
}
