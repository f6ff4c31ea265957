import { type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import { type Choice, choiceOf } from '../../mesh/choice.js';
import type { Scenario, Stage } from '../../scenario/types.js';
import { attributed, goodObservation, versionTotal } from '../tallies.js';
import type { Granularity, Look } from '../types.js';
import { Dispersion } from './dispersion.js';
import { type Asked, granularityOf } from './granularity.js';

/** What the objects in force make of calls to the service under release; undefined where they are not known or not compiled (Linkerd). */
export function choiceFor(scenario: Scenario, objects: readonly KubeObject[]): Choice | undefined {
  const { namespace, from, service, versions } = scenario;
  if (objects.length === 0 || (scenario.mesh === 'linkerd' && from !== undefined)) return undefined;
  return choiceOf(objects, {
    from: from === undefined ? undefined : { workload: from, namespace },
    service: { name: service, namespace },
    versionOf: (labels) => Object.entries(versions).find(([, own]) => labelsMatch({ ...own }, { ...labels }))?.[0],
  });
}

/** The stage as the objects make it: where nothing draws by weight, a promised share is one by balancing, said or not. */
export function stageInForce(stage: Stage, choice: Choice | undefined): Stage {
  if (choice?.by !== 'balancing' || stage.expect.by === 'balancing') return stage;
  return { ...stage, expect: { ...stage.expect, by: 'balancing' } };
}

/** For what a version is drawn, by the objects alone. */
export const granularityByObjects = (scenario: Scenario, choice: Choice | undefined): Granularity =>
  new UnitContext(scenario, choice).granularity;

/** What is known of the unit of choice, look by look. */
export class UnitContext {
  readonly choice: Choice | undefined;
  /** Of the released version's counts at the source proxy. */
  readonly dispersion = new Dispersion();
  granularity: Granularity;
  private readonly asked: Asked;

  /** @param alpha probability of taking independent draws for others; default: nothing is looked at yet, and objects err with none. */
  constructor(scenario: Scenario, choice: Choice | undefined, alpha = 0) {
    this.choice = choice;
    this.asked = { choice, from: scenario.from, version: Object.keys(scenario.versions).at(-1) ?? '', alpha };
    this.granularity = this.ask({ at: 0, observations: [], settled: false });
  }

  look(look: Look): void {
    // What answers on connections have refuted stays refuted: the evidence holds at every look, and fresh connections bring no more of it.
    const { evidence, unit } = this.granularity;
    if (evidence === 'connections' && unit === 'connection') return;
    const source = goodObservation(look, 'source');
    if (source) this.dispersion.look(versionTotal(source.counts, this.asked.version), attributed(source.counts));
    this.granularity = this.ask(look);
  }

  private ask(look: Look): Granularity {
    return granularityOf(this.asked, look, this.dispersion);
  }
}
