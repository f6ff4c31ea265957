import { type Clock, sleep } from '../base/clock.js';
import type { ClusterClient } from '../cluster/client.js';
import { Patience } from '../cluster/patience.js';
import { withoutSecrets } from '../cluster/secrets.js';
import type { UndoList } from '../cluster/undo.js';
import { readMeshObjects } from '../cluster/workloads.js';
import { StageJudge } from '../judge/stageJudge.js';
import type { StageAssessment, Verdict } from '../judge/types.js';
import type { LoadRun } from '../load/types.js';
import type { Observer } from '../observe/types.js';
import type { Scenario, Stage } from '../scenario/types.js';
import { waitForArrival } from './barrier.js';
import { applyStage } from './changes.js';
import type { RunEventBody } from './events.js';
import { soak } from './soak.js';
import { CountingWindow, type LookTaken } from './window.js';

/** Between two looks. Shorter than a scrape gives the proxies nothing new, but the client decides sooner. */
const LOOK_MS = 500;

export interface StageInput {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly client: ClusterClient;
  readonly undo: UndoList;
  readonly load: LoadRun;
  readonly observers: readonly Observer[];
  /** Observers that earlier stages waited for in vain; see CountingWindow. */
  readonly silent: Set<Observer>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEventBody) => void;
}

/** Applies one stage under load, waits for its arrival, counts until its promise is decided, and returns the verdict. */
export async function walkStage(input: StageInput): Promise<Verdict> {
  const { scenario, stage, client, load, clock, signal, emit } = input;
  const name = stage.name;
  emit({ type: 'stage-started', stage: name });
  const waiting = (why: string) => emit({ type: 'waiting', stage: name, for: why, outage: true });
  const patience = new Patience({ clock, signal, waiting });
  const readObjects = async () =>
    (await patience.with(() => readMeshObjects(client, scenario.namespace))).map(withoutSecrets);
  await applyStage(client, stage, input.undo, emit, patience);
  await arrive(input);
  await sleep(clock, scenario.warmUp, signal);
  if (signal.aborted) return 'inconclusive';

  const objects = await readObjects();
  emit({ type: 'objects', stage: name, objects });
  const judge = new StageJudge(scenario, stage, objects);
  const window = new CountingWindow(input.observers, load, clock, {
    copies: stage.expect.mirror !== undefined,
    silent: input.silent,
  });
  await window.open(signal);
  if (signal.aborted) return 'inconclusive';
  emit({ type: 'window-opened', stage: name });
  const withLook = ({ look, rps }: LookTaken) => ({
    look,
    latency: load.windowLatency(),
    rps,
    generator: load.health(),
  });
  const judged = (taken: LookTaken): StageAssessment => {
    emit({ type: 'look', stage: name, ...withLook(taken) });
    return judge.look(taken.look);
  };
  let decided = false;
  while (!decided && !signal.aborted && window.elapsed() < scenario.maxDuration) {
    await sleep(clock, LOOK_MS, signal);
    if (signal.aborted) break;
    const taken = await window.look(signal);
    // A look that was cut short says nothing about its vantage points.
    if (!signal.aborted) decided = judged(taken).decided;
  }
  const reason = signal.aborted ? 'interrupted' : decided ? 'decided' : 'max-duration';
  const last = await window.close(signal);
  let assessment = judged(last);
  emit({ type: 'window-closed', stage: name, reason });
  const soakMs = stage.soak ?? 0;
  if (soakMs > 0 && assessment.verdict === 'pass' && !signal.aborted) {
    load.resume();
    const soakJudge = judge.soak(assessment, last.look);
    const soaked = await soak({ stage: name, soakMs, judge: soakJudge, window, clock, signal, emit, withLook });
    assessment = soaked ?? assessment;
  }
  emit({ type: 'objects', stage: name, objects: await readObjects() });
  load.resume();
  emit({ type: 'stage-finished', stage: name });
  return assessment.verdict;
}

async function arrive({ scenario, stage, client, load, clock, signal, emit }: StageInput): Promise<void> {
  const startedAt = clock.now();
  const arrival = await waitForArrival({
    client,
    scenario,
    stage,
    clock,
    signal,
    answers: () => load.counts().versions,
    waitingFor: (what) => emit({ type: 'waiting', stage: stage.name, for: what }),
  });
  const ms = Math.round(clock.now() - startedAt);
  if (arrival.arrived)
    emit({
      type: 'arrived',
      stage: stage.name,
      ms,
      how: arrival.how,
      inferred: arrival.inferred,
      detail: arrival.detail,
    });
  else if (!signal.aborted) emit({ type: 'not-arrived', stage: stage.name, ms, detail: arrival.detail });
}
