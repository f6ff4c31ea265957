import { sleep } from '../base/clock.js';
import { withoutSecrets } from '../cluster/objects.js';
import { readMeshObjects } from '../cluster/workloads.js';
import { StageJudge } from '../judge/stageJudge.js';
import type { StageAssessment } from '../judge/types.js';
import type { GeneratorHealth, LatencySummary } from '../load/types.js';
import type { Scenario, Stage } from '../scenario/types.js';
import { makeObservers } from './observers.js';
import { checkNamespace, checkTarget } from './preflight.js';
import { failure, type RunDeps, type RunOptions, reachable, runStarted } from './run.js';
import { CountingWindow } from './window.js';

const LOOK_MS = 1000;
const NO_LATENCY: LatencySummary = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0, buckets: [] };
const NO_GENERATOR: GeneratorHealth = { valid: true, cpuSeconds: 0, lateShare: 0, peakRssBytes: 0 };

/** Judges the traffic that others send, for one stage that is already in place; changes nothing. There is no client's view. Never throws. */
export async function verifyStage(scenario: Scenario, stage: Stage, options: RunOptions, deps: RunDeps): Promise<void> {
  const { clock, client, emit, signal } = deps;
  const watched: Scenario = { ...scenario, stages: [stage], watch: { ...scenario.watch, client: 'off' } };
  emit(runStarted(watched, options, client.context));
  emit({ type: 'stage-started', stage: stage.name });
  try {
    await client.check();
    await checkNamespace(client, watched);
    await checkTarget(client, watched);
    const observers = makeObservers(watched, options.target, () => undefined, clock);
    await reachable(watched, observers, emit);
    const judge = new StageJudge(watched, stage);
    const window = new CountingWindow(observers, undefined, clock);
    await window.open(signal);
    emit({ type: 'window-opened', stage: stage.name });
    let assessment: StageAssessment | undefined;
    while (!assessment?.decided && !signal.aborted && window.elapsed() < scenario.maxDuration) {
      await sleep(clock, LOOK_MS, signal);
      const { look } = await window.look(false, new AbortController().signal);
      emit({ type: 'look', stage: stage.name, look, latency: NO_LATENCY, rps: 0, generator: NO_GENERATOR });
      assessment = judge.look(look);
    }
    emit({
      type: 'window-closed',
      stage: stage.name,
      reason: signal.aborted ? 'interrupted' : assessment?.decided ? 'decided' : 'max-duration',
    });
    emit({
      type: 'objects',
      stage: stage.name,
      objects: (await readMeshObjects(client, scenario.namespace)).map(withoutSecrets),
    });
    emit({ type: 'stage-finished', stage: stage.name });
  } catch (error) {
    if (!signal.aborted) emit(failure(error));
  }
  if (signal.aborted) emit({ type: 'interrupted', signal: signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT' });
  emit({ type: 'run-finished' });
}
