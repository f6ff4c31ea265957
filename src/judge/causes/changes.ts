import type { KubeObject } from '../../base/kubernetes.js';
import { type ShareChange, shareChange, type TimedCounts } from '../history.js';
import type { Cause } from '../types.js';
import { counted, percent } from '../words.js';
import { ALPHA, causeAt } from './evidence.js';
import { liveFlow } from './flow.js';
import { at, type DiagnosisInput, deploymentsOf, items, text } from './objects.js';
import { policiesOf } from './policies.js';
import { liveRoutes } from './routes.js';
import { destinationRules } from './rules.js';

/** From an object's change to the first scrape that shows it: propagation, and two scrapes at the usual 15 s. */
const LAG_MS = 45_000;
/** Times of Kubernetes are whole seconds, and clocks differ a little. */
const SLACK_MS = 2_000;

interface Write {
  readonly manager: string;
  /** ms since the window opened. */
  readonly at: number;
}

/** Who wrote the object last, its status left out. */
function lastWrite(object: KubeObject, openedAt: number): Write | undefined {
  return items(object.metadata.managedFields)
    .filter((each) => text(at(each, 'subresource')) === undefined)
    .map((each) => ({
      manager: text(at(each, 'manager')) ?? 'unknown',
      at: Date.parse(text(at(each, 'time')) ?? '') - openedAt,
    }))
    .filter((write) => Number.isFinite(write.at))
    .sort((a, b) => b.at - a.at)[0];
}

/** The share changed in the window, and so did the route. */
export function overwritten(input: DiagnosisInput): Cause[] {
  const { history } = input;
  const object = liveRoutes(input)[0]?.object;
  if (!history || !object) return [];
  const write = lastWrite(object, history.openedAt);
  // What the run itself applied is the stage.
  if (!write || write.manager === 'weighbridge' || write.at < -SLACK_MS) return [];
  const [told] = Object.keys(input.scenario.versions)
    .reverse()
    .flatMap((version) => {
      const change = shareChange(history, version, ALPHA);
      return change && fits(change, write) ? [{ version, change }] : [];
    });
  if (!told) return [];
  const { version, change } = told;
  return [
    causeAt(input, object, 'metadata.managedFields', {
      code: 'ROUTE_OVERWRITTEN',
      found: `written by ${write.manager} at ${utc(history.openedAt + write.at)}; ${version} got ${percent(change.from)} of the calls before, ${percent(change.to)} after`,
      expected: 'no change while the stage is judged',
      fix: `Stop ${write.manager} from writing it (GitOps self-healing, another rollout controller), or change the route where it takes it from.`,
    }),
  ];
}

const fits = ({ after, before }: ShareChange, write: Write): boolean =>
  write.at <= before + SLACK_MS && write.at + LAG_MS >= after;

const utc = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(11, 19)} UTC`;

/** Fewer lost calls are noise of a start. */
const FEW = 5;
/** A longer time of losses is no race. */
const LONGEST_BURST_MS = 20_000;

/**
 * Calls that reached no version in one burst at the change of a DestinationRule or of a version's Deployment, none afterwards: routes were
 * switched to a subset before its endpoints were there.
 */
export function rolloutRace(input: DiagnosisInput): Cause[] {
  const { history, evidence } = input;
  if (!history) return [];
  const burst = burstOf(history.counts, endpointsAreThere(input));
  const flags = Object.keys(evidence?.source?.responses.unknown ?? {});
  if (!burst || (flags.length > 0 && !flags.some((each) => / .*\b(UH|NC)\b/.test(each)))) return [];
  const suspects = [
    ...destinationRules(input),
    ...Object.keys(input.scenario.versions).flatMap((version) => deploymentsOf(input, version)),
  ];
  for (const object of suspects) {
    const write = lastWrite(object, history.openedAt);
    if (!write || write.at > burst.end + SLACK_MS || write.at + LAG_MS < burst.start) continue;
    return [
      causeAt(input, object, 'metadata.managedFields', {
        code: 'ROLLOUT_RACE',
        found: `${counted(burst.count, 'calls')} without endpoint within ${Math.ceil((burst.end - burst.start) / 1000)} s, none afterwards; ${write.manager} wrote it at ${utc(history.openedAt + write.at)}`,
        expected: 'endpoints before routes',
        fix: 'Change subsets and routes in two steps: first the pods and the DestinationRule, the route when pods of every subset are ready. Judge the stage when it has arrived.',
      }),
    ];
  }
  return [];
}

/** By the objects of now, no call is lost any more; pods that may be ejected are there and get none all the same. */
function endpointsAreThere(input: DiagnosisInput): boolean {
  const live = liveFlow(input);
  const ejects = policiesOf(input).some(({ value }) => at(value, 'outlierDetection') !== undefined);
  return live !== undefined && Object.keys(live.lost).length === 0 && !ejects;
}

/** All losses of the window, when they lie close together and are over: calls went on without any, or the objects say so. */
function burstOf(
  counts: readonly TimedCounts[],
  over: boolean,
): { start: number; end: number; count: number } | undefined {
  const last = counts.at(-1);
  if (!last || last.lost < FEW) return undefined;
  const end = counts.find(({ lost }) => lost === last.lost) as TimedCounts;
  const before = counts.findLast(({ lost }) => lost === 0);
  const start = before?.at ?? 0;
  const answered = (of: TimedCounts) => Object.values(of.versions).reduce((sum, count) => sum + count, 0);
  const after = answered(last) - answered(end);
  if (end.at - start > LONGEST_BURST_MS || (after < last.lost && !(over && before))) return undefined;
  return { start, end: end.at, count: last.lost };
}
