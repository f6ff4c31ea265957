import { objectsDuring } from '../../scenario/before.js';
import type { Scenario, Stage } from '../../scenario/types.js';
import type { CheckPlan, Granularity } from '../types.js';
import { choiceFor, granularityByObjects, stageInForce } from './context.js';
import { freshShareFor } from './fresh.js';
import { withPods } from './plannedPods.js';

/** A stage as its manifests make it, before anything is sent. */
export interface PlannedUnit {
  /** With the promise as the objects make it: by weight or by balancing. */
  readonly stage: Stage;
  readonly granularity: Granularity;
}

/** For what a version will be drawn in a stage, as far as the scenario's own manifests tell. */
export function plannedUnit(scenario: Scenario, stage: Stage): PlannedUnit {
  const objects = withPods(objectsDuring(scenario, stage.name));
  const choice = choiceFor(scenario, objects);
  return { stage: stageInForce(stage, choice), granularity: granularityByObjects(scenario, choice) };
}

/** What a check will count, and how much of it. */
interface Counting {
  /** Draws for one request that the vantage point can judge, 0..1. */
  readonly each: number;
  /** What is counted where it is not requests, in the plural. */
  readonly counted?: string;
  /** Why the check cannot be decided by any number of requests: a clause. */
  readonly undecidable?: string;
}

const REQUESTS: Counting = { each: 1 };

/**
 * What a check counts under a unit of choice, as `onUnit` judges it. @returns undefined where it will not be judged at all, because another vantage
 * point counts what is drawn.
 * @param faster the load is so many times the scenario's.
 */
export function countingOf(
  check: CheckPlan,
  granularity: Granularity,
  scenario: Scenario,
  faster = 1,
): Counting | undefined {
  const { unit, evidence, fresh } = granularity;
  const never = (why: string): Counting => ({ each: 0, undecidable: why });
  switch (check.rule) {
    case 'gate':
    case 'dark':
      if (!fresh) return REQUESTS;
      if (fresh.helps) return { each: freshShareFor(scenario, faster), counted: 'connections' };
      if (unit !== 'connection') return never(told(granularity));
      // A proxy that forwards TCP counts the connections of its workload.
      if (check.vantagePoint === 'client' && scenario.watch.source === 'require') return undefined;
      return never(told(granularity));
    case 'ceiling':
    case 'ratio':
    case 'copies':
      return unit === 'connection' && evidence === 'objects'
        ? never(`${clause(granularity.sentence)}, and a proxy that forwards TCP sees no requests`)
        : REQUESTS;
    default:
      return REQUESTS;
  }
}

const told = ({ sentence, fresh }: Granularity): string =>
  `${clause(sentence)}; fresh connections of the load would not help: ${fresh?.why}`;

/** `The version is drawn so.` -> `the version is drawn so` */
const clause = (sentence: string): string => sentence.charAt(0).toLowerCase() + sentence.slice(1).replace(/\.$/, '');
