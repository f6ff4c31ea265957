import type { KubeObject } from '../base/kubernetes.js';
import { formatDuration, formatPercent } from '../base/units.js';
import { causeUnknown, diagnose } from '../judge/causes.js';
import { HistoryKeeper } from '../judge/history.js';
import type { SoakJudge } from '../judge/soak.js';
import { StageJudge } from '../judge/stageJudge.js';
import type { Cause, Finding, Look, StageAssessment, Verdict } from '../judge/types.js';
import { underInvalidGenerator } from '../judge/verdict.js';
import type { RunEvent } from '../release/events.js';
import type { Scenario, Stage } from '../scenario/types.js';
import { SeriesBuilder } from './series.js';
import type { EventOf, StageModel, StagePhase } from './types.js';

export type StageEvent = Extract<RunEvent, { stage: string }>;

/** One stage, folded over its events; every look is judged again in order, by the judge of the run itself. */
export class StageFold {
  readonly #scenario: Scenario;
  readonly #stage: Stage;
  /** Made at the first look: working out its limits takes a moment, and not every stage is reached. */
  #judge: StageJudge | undefined;
  #soak: SoakJudge | undefined;
  readonly #series = new Map<string, SeriesBuilder>();
  readonly #changes: { object: string; result: EventOf<'changed'>['result'] }[] = [];
  #phase: StagePhase = 'not-reached';
  #startedAt: number | undefined;
  #endedAt: number | undefined;
  #openedAt: number | undefined;
  #closed: EventOf<'window-closed'>['reason'] | undefined;
  #waitingFor: string | undefined;
  #arrival: StageModel['arrival'];
  #notArrived: StageModel['notArrived'];
  #freshConnections: EventOf<'fresh-connections'> | undefined;
  #looks = 0;
  #lastLook: Look | undefined;
  #assessment: StageAssessment | undefined;
  #latency: StageModel['latency'];
  #rps = 0;
  #generator: StageModel['generator'];
  #graph: StageModel['graph'];
  #objects: readonly KubeObject[] = [];
  #evidence: Pick<EventOf<'evidence'>, 'evidence' | 'routes'> | undefined;
  readonly #history = new HistoryKeeper();
  /** Causes follow from all else; looked for when asked, once per state. */
  #causes: readonly Cause[] | undefined;

  constructor(scenario: Scenario, stage: Stage) {
    this.#scenario = scenario;
    this.#stage = stage;
  }

  push(event: StageEvent): void {
    this.#causes = undefined;
    switch (event.type) {
      case 'stage-started':
        this.#startedAt = event.at;
        this.#phase = 'changing';
        return;
      case 'changed':
        this.#changes.push({ object: event.object, result: event.result });
        return;
      case 'waiting':
        if (this.#phase === 'changing' && !event.outage) this.#phase = 'arriving';
        this.#waitingFor = event.for;
        return;
      case 'arrived':
        this.#phase = 'warming-up';
        this.#waitingFor = undefined;
        this.#arrival = {
          ms: event.ms,
          how: event.how,
          inferred: event.inferred,
          detail: event.detail,
          ...(event.behind === undefined ? {} : { behind: event.behind }),
        };
        return;
      case 'not-arrived':
        this.#phase = 'warming-up';
        this.#waitingFor = undefined;
        this.#notArrived = { ms: event.ms, detail: event.detail };
        return;
      case 'fresh-connections':
        this.#freshConnections = event;
        return;
      case 'window-opened':
        this.#phase = 'counting';
        this.#waitingFor = undefined;
        this.#openedAt = event.at;
        return;
      case 'look':
        this.#look(event);
        return;
      case 'soak-started':
        this.#phase = 'soaking';
        if (!this.#judge || !this.#assessment || !this.#lastLook) return;
        this.#soak = this.#judge.soak(this.#assessment, this.#lastLook);
        // A pass is none before the soak is over.
        this.#assessment = this.#soak.look(this.#lastLook);
        return;
      case 'soak-look':
        this.#look(event);
        return;
      case 'soak-finished':
        this.#phase = 'settling';
        return;
      case 'window-closed':
        this.#phase = 'settling';
        this.#closed = event.reason;
        return;
      case 'objects':
        this.#objects = event.objects;
        return;
      case 'evidence':
        this.#evidence = { evidence: event.evidence, ...(event.routes ? { routes: event.routes } : {}) };
        return;
      case 'stage-finished':
        this.#phase = 'finished';
        this.#waitingFor = undefined;
        this.#endedAt = event.at;
    }
  }

  #look({ look, latency, rps, generator }: EventOf<'look'> | EventOf<'soak-look'>): void {
    this.#looks += 1;
    this.#history.look(look);
    this.#lastLook = look;
    this.#latency = latency;
    // The load is paused for the settled look: its rate says nothing.
    if (!look.settled) this.#rps = rps;
    this.#generator = generator;
    for (const observation of look.observations) {
      if (observation.status === 'ok' && observation.graph && observation.graph.edges.length > 0) {
        this.#graph = observation.graph;
      }
    }
    // The objects known at the first look are those that the run itself judged with.
    this.#judge ??= new StageJudge(this.#scenario, this.#stage, this.#objects);
    this.#assessment = (this.#soak ?? this.#judge).look(look);
    for (const check of this.#assessment.checks) {
      const key = `${check.name} ${check.vantagePoint}`;
      const series = this.#series.get(key) ?? new SeriesBuilder(check);
      series.add(look);
      this.#series.set(key, series);
    }
  }

  /** The judge's assessment, as far as the generator can be trusted. */
  #trusted(): StageAssessment | undefined {
    return this.#assessment && this.#generator?.valid === false
      ? underInvalidGenerator(this.#assessment)
      : this.#assessment;
  }

  #verdict(): Verdict {
    const assessment = this.#trusted();
    if (!assessment) return this.#closed === 'max-duration' ? 'no-data' : 'inconclusive';
    const { verdict } = assessment;
    return verdict === 'pass' && this.#generator?.valid === false ? 'inconclusive' : verdict;
  }

  /** The judge's, and what it cannot know: whether the stage had arrived and the generator kept up. */
  #findings(causes: readonly Cause[]): readonly Finding[] {
    const findings = [...(this.#assessment?.findings ?? [])];
    if (this.#notArrived) {
      const { ms, detail } = this.#notArrived;
      const message = `After ${formatDuration(ms)} the stage had not arrived in the data plane: ${detail}`;
      findings.unshift({ level: 'warning', code: 'NOT_ARRIVED', message });
    }
    if (this.#arrival?.behind !== undefined) {
      const message = `The caller's proxies do not all hold what the objects compile to: ${this.#arrival.behind} That the stage had arrived is known from the versions that answer.`;
      findings.unshift({ level: 'warning', code: 'PROXIES_DIFFER', message });
    }
    if (this.#freshConnections?.switched) findings.push(switched(this.#freshConnections));
    if (this.#generator?.valid === false) {
      const message = this.#generator.reason ?? 'the load generator was the bottleneck';
      findings.push({ level: 'warning', code: 'GENERATOR_INVALID', message });
    }
    const assessment = this.#trusted();
    const unknown = assessment && this.#closed && causeUnknown(assessment, causes);
    return unknown ? [unknown, ...findings] : findings;
  }

  #findCauses(): readonly Cause[] {
    const assessment = this.#trusted();
    const look = this.#lastLook;
    if (!assessment || !look || assessment.verdict === 'pass' || this.#objects.length === 0) return [];
    // As long as it counts, what is not yet decided has no cause.
    if (this.#closed === undefined) return [];
    return diagnose({
      scenario: this.#scenario,
      stage: this.#stage,
      objects: this.#objects,
      assessment,
      observations: look,
      ...this.#evidence,
      ...(this.#openedAt === undefined ? {} : { history: this.#history.history(this.#openedAt) }),
    });
  }

  get model(): StageModel {
    this.#causes ??= this.#findCauses();
    return {
      name: this.#stage.name,
      stage: this.#stage,
      phase: this.#phase,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      windowOpenedAt: this.#openedAt,
      closeReason: this.#closed,
      changes: [...this.#changes],
      waitingFor: this.#waitingFor,
      arrival: this.#arrival,
      notArrived: this.#notArrived,
      looks: this.#looks,
      lastLook: this.#lastLook,
      assessment: this.#trusted(),
      verdict: this.#verdict(),
      findings: this.#findings(this.#causes),
      causes: this.#causes,
      series: [...this.#series.values()].map((builder) => builder.series()),
      latency: this.#latency,
      rps: this.#rps,
      generator: this.#generator,
      graph: this.#graph,
    };
  }
}

const switched = ({ share, why }: EventOf<'fresh-connections'>): Finding => ({
  level: 'info',
  code: 'FRESH_CONNECTIONS',
  message: `The run gave ${share === 1 ? 'every request' : `${formatPercent(share)} of the requests`} a connection of its own, and counted those: ${why}.`,
});
