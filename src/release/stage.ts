import { type Clock, sleep } from '../base/clock.js';
import type { ClusterClient } from '../cluster/client.js';
import { withoutSecrets } from '../cluster/objects.js';
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
import { CountingWindow } from './window.js';

/** Between two looks. Shorter than a scrape gives the proxies nothing new, but the client decides sooner. */
const LOOK_MS = 500;
/** After an interrupt the last look waits only so long for the scrapes. */
const INTERRUPTED_SETTLE_MS = 2_500;

export interface StageInput {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly client: ClusterClient;
  readonly undo: UndoList;
  readonly load: LoadRun;
  readonly observers: readonly Observer[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEventBody) => void;
}

/** Applies one stage under load, waits for its arrival, counts until its promise is decided, and returns the verdict. */
export async function walkStage(input: StageInput): Promise<Verdict> {
  const { scenario, stage, client, load, clock, signal, emit } = input;
  const name = stage.name;
  emit({ type: 'stage-started', stage: name });
  await applyStage(client, stage, input.undo, emit);
  await arrive(input);
  if (signal.aborted) return 'inconclusive';
  await sleep(clock, scenario.warmUp, signal);

  const judge = new StageJudge(scenario, stage);
  const window = new CountingWindow(input.observers, load, clock, stage.expect.mirror !== undefined);
  await window.open(signal);
  emit({ type: 'window-opened', stage: name });
  const lookOnce = async (
    take: Promise<{ look: Parameters<StageJudge['look']>[0]; rps: number }>,
  ): Promise<StageAssessment> => {
    const { look, rps } = await take;
    emit({ type: 'look', stage: name, look, latency: load.windowLatency(), rps, generator: load.health() });
    return judge.look(look);
  };
  let assessment: StageAssessment | undefined;
  while (!assessment?.decided && !signal.aborted && window.elapsed() < scenario.maxDuration) {
    await sleep(clock, LOOK_MS, signal);
    if (!signal.aborted) assessment = await lookOnce(window.look(false, signal));
  }
  const reason = signal.aborted ? 'interrupted' : assessment?.decided ? 'decided' : 'max-duration';
  // The last look must not be cut short by the very interrupt that asks for it; it has a time limit of its own.
  const closing = new AbortController();
  assessment = await lookOnce(
    window.close(closing.signal, reason === 'interrupted' ? INTERRUPTED_SETTLE_MS : undefined),
  );
  emit({ type: 'window-closed', stage: name, reason });
  emit({
    type: 'objects',
    stage: name,
    objects: (await readMeshObjects(client, scenario.namespace)).map(withoutSecrets),
  });
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
