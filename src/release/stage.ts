import { type Clock, sleep } from '../base/clock.js';
import type { ClusterClient } from '../cluster/client.js';
import { Patience } from '../cluster/patience.js';
import { withoutSecrets } from '../cluster/secrets.js';
import type { UndoList } from '../cluster/undo.js';
import { readMeshObjects } from '../cluster/workloads.js';
import { LOOK_MS } from '../judge/bunching.js';
import { StageJudge } from '../judge/stageJudge.js';
import type { StageAssessment, Verdict } from '../judge/types.js';
import { choiceFor, granularityByObjects } from '../judge/unit/context.js';
import type { LoadRun } from '../load/loadRun.js';
import type { Observer } from '../observe/types.js';
import type { Scenario, Stage } from '../scenario/types.js';
import { waitForArrival } from './barrier.js';
import { applyStage } from './changes.js';
import type { RunEventBody } from './events.js';
import { FreshConnections } from './freshConnections.js';
import { soak } from './soak.js';
import { stageEvidence } from './stageEvidence.js';
import { CountingWindow, type LookTaken } from './window.js';

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
  await applyStage(client, stage, input.undo, emit, patience);
  const fresh = new FreshConnections({ scenario, stage: name, load, emit });
  try {
    return await countStage(input, fresh, patience);
  } finally {
    fresh.end();
  }
}

async function countStage(input: StageInput, fresh: FreshConnections, patience: Patience): Promise<Verdict> {
  const { scenario, stage, client, load, clock, signal, emit } = input;
  const name = stage.name;
  const readObjects = async () =>
    (await patience.with(() => readMeshObjects(client, scenario.namespace))).map(withoutSecrets);
  await arrive(input, fresh);
  await sleep(clock, scenario.warmUp, signal);
  if (signal.aborted) return 'inconclusive';

  const objects = await readObjects();
  emit({ type: 'objects', stage: name, objects });
  const judge = new StageJudge(scenario, stage, objects);
  const follow = () => {
    if (stage.expect.share) fresh.follow(judge.granularity);
  };
  follow();
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
    const assessment = judge.look(taken.look);
    if (!taken.look.settled && !assessment.decided) follow();
    return assessment;
  };
  let decided = false;
  while (!decided && !signal.aborted && window.elapsed() < scenario.maxDuration) {
    // Shorter than a scrape gives the proxies nothing new, but the client decides sooner.
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
  if (assessment.verdict !== 'pass' && !signal.aborted) {
    const whole = () => patience.with(() => readMeshObjects(client, scenario.namespace));
    const { observers } = input;
    emit(await stageEvidence({ client, scenario, stage: name, observers, readObjects: whole, clock, signal }));
  }
  emit({ type: 'objects', stage: name, objects: await readObjects() });
  load.resume();
  emit({ type: 'stage-finished', stage: name });
  return assessment.verdict;
}

async function arrive(
  { scenario, stage, client, load, clock, signal, emit }: StageInput,
  fresh: FreshConnections,
): Promise<void> {
  const startedAt = clock.now();
  const arrival = await waitForArrival({
    client,
    scenario,
    stage,
    clock,
    signal,
    // Kept connections stay with the versions of the stage before: a new one would never be seen to answer.
    rolledOut: (objects) => fresh.follow(granularityByObjects(scenario, choiceFor(scenario, objects))),
    answers: () => load.counts().versions,
    waitingFor: (what, outage) =>
      emit({ type: 'waiting', stage: stage.name, for: what, ...(outage ? { outage } : {}) }),
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
      ...(arrival.behind === undefined ? {} : { behind: arrival.behind }),
    });
  else if (!signal.aborted) emit({ type: 'not-arrived', stage: stage.name, ms, detail: arrival.detail });
}
