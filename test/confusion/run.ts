import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '../../src/base/clock.js';
import { errorText } from '../../src/base/errors.js';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { millis } from '../../src/base/units.js';
import { connectCluster } from '../../src/cluster/client.js';
import { diagnose } from '../../src/judge/causes.js';
import { HistoryKeeper } from '../../src/judge/history.js';
import type { Cause, StageAssessment } from '../../src/judge/types.js';
import type { RunEventBody } from '../../src/release/events.js';
import { runRelease } from '../../src/release/run.js';
import { RunFold } from '../../src/report/model.js';
import type { RunModel } from '../../src/report/types.js';
import { NAMESPACE, scenarioOf } from './app.js';
import type { Incident, StartLab, Trial } from './types.js';
import { HOME, renaming, type World } from './world.js';

/** What a run said. */
export interface Outcome {
  readonly title: string;
  readonly seed: number;
  readonly verdict: string;
  /** In the order in which they are told. */
  readonly causes: readonly Pick<Cause, 'code' | 'object' | 'field' | 'found' | 'expected'>[];
  /** Codes that the judge names when it is asked although the stage may have passed, without evidence beside the counts. */
  readonly recorded: readonly string[];
  /** ms from the stage's start until each code was named for the first time. */
  readonly namedAfterMs: Readonly<Record<string, number>>;
  /** ms that the stage took. */
  readonly stageMs: number;
  /** Counts by vantage point, for who wants to know why. */
  readonly counts: readonly string[];
  /** Why there is no verdict that counts: an error of the run, or a generator that was late. */
  readonly invalid?: string;
}

/** After these events a stage may have causes that it had not before. */
const TELLING: ReadonlySet<RunEventBody['type']> = new Set(['look', 'window-closed', 'objects', 'stage-finished']);

/** Runs the stage of a trial on a lab of its own, by the harness that users run. */
export async function runTrial(trial: Trial, seed: number, startLab: StartLab, world: World = HOME): Promise<Outcome> {
  const rename = renaming(world);
  const scenario = scenarioOf(trial, world);
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-confusion-'));
  const lab = await startLab({
    objects: scenario.lab.objects.map(({ object }) => object),
    apps: scenario.lab.apps,
    scrapeIntervalMs: scenario.lab.scrapeInterval,
    propagationMs: scenario.lab.propagation,
    seed,
    ...rename({ entry: { namespace: NAMESPACE, service: 'web', port: 80 }, ...trial.lab }),
  });
  try {
    const kubeconfig = join(dir, 'kubeconfig');
    writeFileSync(kubeconfig, lab.kubeconfig);
    const client = await connectCluster({ kubeconfig });
    const fold = new RunFold();
    const namedAfterMs: Record<string, number> = {};
    const incident = new Arising(trial.incident, (act) => act(client, rename));
    let objects: readonly KubeObject[] = [];
    const history = new HistoryKeeper();
    let seq = 0;
    const emit = (body: RunEventBody): void => {
      fold.push({ seq, at: systemClock.wallMs(), ...body });
      seq += 1;
      incident.told(body);
      if (body.type === 'objects') objects = body.objects;
      if (body.type === 'look') history.look(body.look);
      if (!TELLING.has(body.type)) return;
      const [stage] = fold.model.stages;
      for (const { code } of stage?.causes ?? []) namedAfterMs[code] ??= systemClock.wallMs() - (stage?.startedAt ?? 0);
    };
    const { baseUrl, prometheusUrl, kialiUrl } = lab;
    await runRelease(
      scenario,
      {
        runId: `confusion-${seed}`,
        weighbridgeVersion: '0',
        stages: scenario.stages.map(({ name }) => name),
        seed,
        engine: 'node',
        keep: false,
        target: { kind: 'lab', baseUrl, prometheusUrl, kialiUrl, kialiAuth: { strategy: 'anonymous' } },
        undoFile: join(dir, 'undo.ndjson'),
      },
      { clock: systemClock, client, emit, signal: new AbortController().signal },
    );
    await incident.over;
    const { model } = fold;
    const recorded = recordedCauses(model, objects, history);
    const causes = trial.evenIfPassed ? recorded : (model.stages[0]?.causes ?? []);
    const outcome = outcomeOf(trial.title, seed, model, causes, namedAfterMs, incident.error);
    return { ...outcome, recorded: recorded.map(({ code }) => code) };
  } finally {
    await lab.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Makes an incident happen when its time has come. */
class Arising {
  over: Promise<void> = Promise.resolve();
  error: string | undefined;
  readonly #incident: Incident | undefined;
  readonly #perform: (act: Incident['act']) => Promise<void>;

  constructor(incident: Incident | undefined, perform: (act: Incident['act']) => Promise<void>) {
    this.#incident = incident;
    this.#perform = perform;
  }

  told({ type }: RunEventBody): void {
    const incident = this.#incident;
    if (incident?.when !== type) return;
    this.over = sleep(systemClock, millis(incident.afterMs))
      .then(() => this.#perform(incident.act))
      .catch((error: unknown) => {
        this.error = errorText(error);
      });
  }
}

/** What the judge says of counts that break no promise. */
function recordedCauses(
  { facts, stages: [stage] }: RunModel,
  objects: readonly KubeObject[],
  history: HistoryKeeper,
): readonly Cause[] {
  if (!stage?.assessment || !stage.lastLook) return [];
  const { assessment, lastLook: observations, windowOpenedAt = 0 } = stage;
  return diagnose({
    scenario: facts.scenario,
    stage: stage.stage,
    objects,
    assessment,
    observations,
    history: history.history(windowOpenedAt),
  });
}

function outcomeOf(
  title: string,
  seed: number,
  model: RunModel,
  causes: readonly Cause[],
  namedAfterMs: Outcome['namedAfterMs'],
  incidentError: string | undefined,
): Omit<Outcome, 'recorded'> {
  const stage = model.stages[0];
  const invalid =
    model.failure?.message ??
    incidentError ??
    (model.generator?.valid === false ? (model.generator.reason ?? 'the generator was late') : undefined);
  return {
    title,
    seed,
    verdict: model.verdict,
    causes: causes.map(({ code, object, field, found, expected }) => ({
      code,
      object,
      field,
      found,
      expected,
    })),
    namedAfterMs,
    stageMs: (stage?.endedAt ?? model.lastAt) - (stage?.startedAt ?? model.lastAt),
    counts: [...(stage?.assessment ? checksOf(stage.assessment) : []), ...countsOf(stage?.lastLook)],
    ...(invalid === undefined ? {} : { invalid }),
  };
}

const checksOf = ({ checks }: StageAssessment): string[] =>
  checks.map(({ name, vantagePoint, verdict, observed }) => {
    const seen = observed ? ` ${observed.count}/${observed.total}` : '';
    return `${name}@${vantagePoint} ${verdict}${seen}`;
  });

function countsOf(look: RunModel['stages'][number]['lastLook']): string[] {
  return (look?.observations ?? []).map((observation) => {
    if (observation.status !== 'ok') return `${observation.vantagePoint}: no data`;
    const { versions, unknown, responses, foreign } = observation.counts;
    return `${observation.vantagePoint}: ${JSON.stringify({ versions, unknown, responses, foreign })}`;
  });
}
