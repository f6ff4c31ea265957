import { sleep } from '../base/clock.js';
import { withoutSecrets } from '../cluster/secrets.js';
import { readMeshObjects } from '../cluster/workloads.js';
import { StageJudge } from '../judge/stageJudge.js';
import type { Look, StageAssessment } from '../judge/types.js';
import { assessGenerator, NO_READINGS } from '../load/health.js';
import type { GeneratorHealth, LatencySummary } from '../load/types.js';
import type { Scenario, Stage } from '../scenario/types.js';
import { failure, tell } from './failure.js';
import { makeObservers, reachable } from './observers.js';
import type { RunDeps, RunOptions, Sender } from './options.js';
import { checkNamespace, checkTarget } from './preflight.js';
import { soak } from './soak.js';
import { stageEvidence } from './stageEvidence.js';
import { runStarted } from './started.js';
import { CountingWindow, type LookTaken } from './window.js';

const LOOK_MS = 1000;
const NO_LATENCY: LatencySummary = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0, buckets: [] };
const NO_GENERATOR: GeneratorHealth = assessGenerator(NO_READINGS);

/**
 * Judges the traffic that others send, for one stage that is already in place; changes nothing. There is no client's view, so the caller's
 * proxy decides. Never throws: errors are events too.
 */
export async function verifyStage(
  scenario: Scenario,
  stage: Stage,
  options: RunOptions<Sender>,
  deps: RunDeps,
): Promise<void> {
  const { client, emit, signal } = deps;
  const source = scenario.watch.source === 'off' ? 'off' : 'require';
  const watched: Scenario = { ...scenario, stages: [stage], watch: { ...scenario.watch, client: 'off', source } };
  try {
    emit(runStarted(watched, options, client.context));
    emit({ type: 'stage-started', stage: stage.name });
    await watch(watched, stage, options, deps);
    emit({ type: 'stage-finished', stage: stage.name });
  } catch (error) {
    if (!signal.aborted) tell(emit, failure(error));
  }
  if (signal.aborted) tell(emit, { type: 'interrupted', signal: signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT' });
  tell(emit, { type: 'run-finished' });
}

async function watch(scenario: Scenario, stage: Stage, { target }: RunOptions<Sender>, deps: RunDeps): Promise<void> {
  const { clock, client, emit, signal } = deps;
  await client.check();
  await checkNamespace(client, scenario);
  await checkTarget(client, scenario);
  const observers = makeObservers(scenario, target, () => undefined, clock);
  await reachable(scenario, observers, emit, signal);
  const readObjects = async () => {
    const objects = (await readMeshObjects(client, scenario.namespace)).map(withoutSecrets);
    emit({ type: 'objects', stage: stage.name, objects });
    return objects;
  };
  const judge = new StageJudge(scenario, stage, await readObjects());
  const window = new CountingWindow(observers, undefined, clock);
  await window.open(signal);
  emit({ type: 'window-opened', stage: stage.name });
  const withLook = ({ look }: LookTaken) => ({ look, latency: NO_LATENCY, rps: 0, generator: NO_GENERATOR });
  let last: { readonly look: Look; readonly assessment: StageAssessment } | undefined;
  let decided = false;
  while (!decided && !signal.aborted && window.elapsed() < scenario.maxDuration) {
    await sleep(clock, LOOK_MS, signal);
    if (signal.aborted) break;
    const taken = await window.look(signal);
    // A look that was cut short says nothing about its vantage points.
    if (signal.aborted) break;
    emit({ type: 'look', stage: stage.name, ...withLook(taken) });
    last = { look: taken.look, assessment: judge.look(taken.look) };
    decided = last.assessment.decided;
  }
  const reason = signal.aborted ? 'interrupted' : decided ? 'decided' : 'max-duration';
  emit({ type: 'window-closed', stage: stage.name, reason });
  if (last?.assessment.verdict !== 'pass' && !signal.aborted) {
    const whole = () => readMeshObjects(client, scenario.namespace);
    emit(await stageEvidence({ client, scenario, stage: stage.name, observers, readObjects: whole, clock, signal }));
  }
  const soakMs = stage.soak ?? 0;
  if (soakMs > 0 && last?.assessment.verdict === 'pass' && !signal.aborted) {
    const soakJudge = judge.soak(last.assessment, last.look);
    await soak({ stage: stage.name, soakMs, judge: soakJudge, window, clock, signal, emit, withLook });
  }
  await readObjects();
}
