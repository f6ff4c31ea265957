import type { Choice } from '../../mesh/choice.js';
import type { Stage } from '../../scenario/types.js';
import { type GoodObservation, goodObservation } from '../tallies.js';
import type { CheckResult, Finding, Look } from '../types.js';
import { percent } from '../words.js';
import type { UnitContext } from './context.js';
import { uselessFresh } from './fresh.js';
import { times } from './granularity.js';
import { explainedByLatency, leastRequestShares } from './latencyDrift.js';

const warning = (code: string, message: string): Finding => ({ level: 'warning', code, message });
const info = (code: string, message: string): Finding => ({ level: 'info', code, message });

const BALANCERS: Readonly<Record<NonNullable<Choice['discipline']>, string>> = {
  'least-request': 'balance by least requests',
  'round-robin': 'alternate (round robin)',
  random: 'draw a pod at random',
  'ring-hash': 'hash a key',
  'original-dst': 'dial the pod that the caller names',
  'kube-proxy': 'leave connections to kube-proxy',
};

/** What a reader should know of how versions are drawn; nothing here changes a verdict. */
export function unitFindings(unit: UnitContext, stage: Stage, look: Look, checks: readonly CheckResult[]): Finding[] {
  const share = Object.values(stage.expect.share ?? {});
  // Where nothing may be drawn at all, only a draw by larger units than requests is worth a word.
  const drawn = share.some((each) => each > 0 && each < 1);
  return [
    ...granularity(unit, share.length > 0),
    ...(drawn ? [...discipline(unit, stage), ...dispersion(unit, stage), ...latencyDrift(unit, look, checks)] : []),
  ];
}

function granularity({ granularity: known, choice }: UnitContext, promised: boolean): Finding[] {
  const { unit, sentence } = known;
  if (!promised || unit === 'request') return [];
  // Without objects there is nothing to say that the reader could look up.
  if (unit === 'unknown') return choice ? [info('UNIT_NOT_OBSERVABLE', sentence)] : [];
  return [warning('UNIT_NOT_REQUEST', `${sentence}${uselessFresh(known)}`)];
}

function discipline({ choice }: UnitContext, { expect }: Stage): Finding[] {
  if (choice?.by === 'balancing' && choice.unit === 'request' && choice.discipline) {
    const pods = Object.entries(choice.replicas)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([version, count]) => `${version} ${count}`);
    return [
      info(
        'BY_BALANCING',
        `No route draws by weight: the proxies ${BALANCERS[choice.discipline]} over the ready pods (${pods.join(', ')}), so the share is one by balancing.`,
      ),
    ];
  }
  if (choice?.by === 'weight' && choice.unit === 'request' && expect.by === 'balancing') {
    return [
      info('BY_WEIGHT', 'A share by balancing was promised, but route weights draw the version of every request.'),
    ];
  }
  return [];
}

/** Evidence that may be named: a million to one. */
const EVIDENT = Math.log(1e6);

function dispersion({ choice, dispersion: counts, granularity: { unit } }: UnitContext, { expect }: Stage): Finding[] {
  const { ratio } = counts;
  if (ratio === undefined || unit !== 'request') return [];
  const vary = `counts per look vary ${times(ratio)} as much as those of independent draws`;
  if (counts.lnOver >= EVIDENT) {
    return [warning('SHARE_UNSTEADY', `The ${vary}, although every request is drawn: the share changed meanwhile.`)];
  }
  if (counts.lnUnder < EVIDENT) return [];
  if (choice?.by === 'balancing' || expect.by === 'balancing') {
    const how = ratio < 0.05 ? 'the proxies alternate (round robin)' : 'the proxies balance by requests in flight';
    return [info('BALANCED_EVENLY', `The ${vary}: ${how}. The share holds closer than by chance.`)];
  }
  return [
    warning('NOT_DRAWN_AT_RANDOM', `The ${vary}: this looks like balancing over pods, not like a draw by weight.`),
  ];
}

/** Least requests prefer the faster version: no weight is wrong then, and both latencies say so. */
function latencyDrift({ choice }: UnitContext, look: Look, checks: readonly CheckResult[]): Finding[] {
  const source = goodObservation(look, 'source');
  if (choice?.discipline !== 'least-request' || !source) return [];
  return checks.flatMap((check) => {
    const version = check.name.replace(/^share:/, '');
    const { observed, expected, vantagePoint } = check;
    if (vantagePoint !== 'source' || version === check.name || !observed || check.verdict === 'pass') return [];
    const sides = twoSides(choice, source, version);
    if (!sides || expected.margin === undefined || expected.share === undefined) return [];
    if (Math.abs(observed.share - expected.share) < expected.margin / 2) return [];
    if (!explainedByLatency(observed, sides)) return [];
    const { idle, saturated } = leastRequestShares(sides);
    const latencies = `${version} takes ${ms(sides.meanMs)} on average, the others ${ms(sides.otherMeanMs)}`;
    const range = `${version} gets between ${percent(idle)} (idle proxies) and ${percent(saturated)} (busy ones)`;
    const message = `${latencies}, and balancing by least requests prefers the faster: with these pods ${range}. The ${percent(observed.share)} seen is explained by that; no weight is wrong.`;
    return [warning('LATENCY_DRIFT', message)];
  });
}

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

function twoSides({ replicas }: Choice, { durations }: GoodObservation, version: string) {
  const sum = (of: (name: string) => number) =>
    Object.keys(replicas).reduce((total, name) => total + (name === version ? 0 : of(name)), 0);
  const own = durations?.[version];
  const others = {
    count: sum((name) => durations?.[name]?.count ?? 0),
    ms: sum((name) => durations?.[name]?.sumMs ?? 0),
  };
  const pods = replicas[version] ?? 0;
  const otherPods = sum((name) => replicas[name] ?? 0);
  if (!own || own.count === 0 || others.count === 0 || pods === 0 || otherPods === 0) return undefined;
  if (own.sumMs <= 0 || others.ms <= 0) return undefined;
  return { pods, otherPods, meanMs: own.sumMs / own.count, otherMeanMs: others.ms / others.count };
}
