import type { WatchedPoint } from '../../scenario/types.js';
import { contradicts } from '../ledger.js';
import { lnGamma } from '../numerics.js';
import { attributed, type GoodObservation, goodObservation } from '../tallies.js';
import { flagOf, lostByFlag } from './counted.js';
import type { PointPrediction, Prediction, ResidualPrediction } from './kind.js';
import type { DiagnosisInput } from './objects.js';

/** The graph is made of the proxies' series: it is no further witness. */
const POINTS = ['client', 'source', 'destination'] as const;

/**
 * Draws are a little more alike than independent ones (balancing, retries, scrapes apart), so a share varies by `sqrt(p (1-p) / 1000)` beside
 * its binomial spread: 0.9 points at 10 %.
 */
const CONCENTRATION = 1000;
/** Part of the requests that may go anywhere under every hypothesis: one odd request does not refute a cause. */
const STRAY = 0.002;

/**
 * ln likelihood of all that was counted, up to a constant that is the same for every prediction. At each vantage point the counts are those of a
 * Dirichlet-multinomial (Mosimann, On the compound multinomial distribution, Biometrika 1962): with n requests of which x_i are of kind i, and
 * A = sum a_i, a_i = 1000 p_i,
 *
 *     lnGamma(A) - lnGamma(A + n) + sum (lnGamma(a_i + x_i) - lnGamma(a_i))
 *
 * Vantage points count the same requests, so they are no independent witnesses: their mean counts, not their sum. Added are what is no share:
 * a silent point, contradictions of the ledger, the unit of choice, each at the odds written below, and the price of fitted shares.
 */
export function lnLikelihood(input: DiagnosisInput, prediction: Prediction, promise: Prediction): number {
  const points = speaking(input).map(({ point, observation }) =>
    lnPoint(input, observation, prediction.points[point] ?? promise.points[point] ?? { share: {} }),
  );
  const mean = points.length === 0 ? 0 : points.reduce((all, each) => all + each, 0) / points.length;
  return (
    mean +
    lnSilence(input, prediction) +
    lnResiduals(input, prediction.residuals ?? []) +
    lnUnit(input, prediction.unit ?? promise.unit) -
    (prediction.fitted ?? 0) * lnFitted(input)
  );
}

/** A share that is fitted to n draws costs ln(n)/2 (Schwarz, Estimating the dimension of a model, Annals of Statistics 1978). */
function lnFitted(input: DiagnosisInput): number {
  const most = Math.max(1, ...speaking(input).map(({ observation }) => requestsAt(observation)));
  return 0.5 * Math.log(Math.min(most, CONCENTRATION));
}

/** The same for no prediction at all: every share is as likely (Jeffreys' prior on each kind). */
export function lnAnything(input: DiagnosisInput): number {
  const { assessment } = input;
  const points = speaking(input).map(({ observation }) => {
    const counts = [...kindsOf(input, observation).values()];
    return lnPolya(
      counts,
      counts.map(() => 0.5),
    );
  });
  const mean = points.length === 0 ? 0 : points.reduce((all, each) => all + each, 0) / points.length;
  return mean + assessment.ledger.lines.filter(contradicts).length * HALF;
}

/** Whether a line of the ledger closes when anything may be at work is a toss-up. */
const HALF = Math.log(0.5);

/** Was anything counted anywhere? */
export const anythingCounted = (input: DiagnosisInput): boolean => speaking(input).length > 0;

function speaking({ observations }: DiagnosisInput): { point: WatchedPoint; observation: GoodObservation }[] {
  return POINTS.flatMap((point) => {
    const observation = goodObservation(observations, point);
    return observation && requestsAt(observation) > 0 ? [{ point, observation }] : [];
  });
}

const requestsAt = ({ counts }: GoodObservation): number => attributed(counts) + counts.unknown.total;

/** Kinds of requests at a vantage point and how many of each: `v1 ok`, `v1 failed`, `lost UH`. Only the source proxy sees the lost ones. */
function kindsOf({ scenario }: DiagnosisInput, { vantagePoint, counts }: GoodObservation): Map<string, number> {
  const kinds = new Map<string, number>();
  const source = vantagePoint === 'source';
  for (const version of Object.keys(scenario.versions)) {
    const { total, failed } = counts.versions[version] ?? { total: 0, failed: 0 };
    kinds.set(`${version} ok`, source ? total - failed : total);
    if (source) kinds.set(`${version} failed`, failed);
  }
  if (!source) return kinds;
  for (const [flag, count] of lostByFlag(counts)) kinds.set(`lost ${flag}`, count);
  return kinds;
}

function lnPoint(input: DiagnosisInput, observation: GoodObservation, predicted: PointPrediction): number {
  const kinds = [...kindsOf(input, observation)];
  const parts = kinds.map(([kind]) => part(input, observation, predicted, kind));
  const all = parts.reduce((total, each) => total + each, 0) || 1;
  const parameters = parts.map((each) => CONCENTRATION * ((1 - STRAY) * (each / all) + STRAY / parts.length));
  return lnPolya(
    kinds.map(([, count]) => count),
    parameters,
  );
}

function part(
  input: DiagnosisInput,
  { vantagePoint, counts }: GoodObservation,
  predicted: PointPrediction,
  kind: string,
): number {
  const [name = '', what] = kind.split(/ (?=[^ ]*$)/);
  if (name === 'lost') {
    const flags = Object.entries(predicted.lost ?? {}).filter(([response]) => flagOf(response) === what);
    return flags.reduce((total, [, each]) => total + each, 0);
  }
  const share = predicted.share[name] ?? 0;
  if (vantagePoint !== 'source') return share;
  // Failures that the stage tolerates are nobody's evidence.
  const { total = 0, failed = 0 } = counts.versions[name] ?? {};
  const tolerated = Math.min(total === 0 ? 0 : failed / total, input.stage.expect.errors?.max ?? TOLERATED);
  const failing = predicted.failed?.[name] ?? tolerated;
  return what === 'failed' ? share * failing : share * (1 - failing);
}

/** Without a promise on errors, so many failures are usual. */
export const TOLERATED = 0.01;

function lnPolya(counts: readonly number[], parameters: readonly number[]): number {
  const all = parameters.reduce((total, each) => total + each, 0);
  const n = counts.reduce((total, each) => total + each, 0);
  return counts.reduce(
    (total, count, index) => {
      const a = parameters[index] as number;
      return count > 0 ? total + lnGamma(a + count) - lnGamma(a) : total;
    },
    lnGamma(all) - lnGamma(all + n),
  );
}

/** What was said to happen does so with this probability, and what was not said with the next. */
const SAID = Math.log(0.95);
const UNSAID = Math.log(0.01);
const MISSED = Math.log(0.05);

/** A proxy that counts nothing while another vantage point does is a surprise, unless that is what the cause does. */
function lnSilence(input: DiagnosisInput, prediction: Prediction): number {
  const loud = speaking(input).map(({ point }) => point);
  if (loud.length === 0) return 0;
  return (['source', 'destination'] as const)
    .filter((point) => goodObservation(input.observations, point))
    .reduce((total, point) => {
      const silent = !loud.includes(point);
      const said = prediction.points[point]?.silent === true;
      return total + (silent ? (said ? SAID : UNSAID) : said ? UNSAID : 0);
    }, 0);
}

function lnResiduals(input: DiagnosisInput, predicted: readonly ResidualPrediction[]): number {
  const { assessment } = input;
  const loud = speaking(input).map(({ point }) => point);
  const said = predicted.filter(({ vantagePoint, sign }) => sign === 'fewer' || loud.includes(vantagePoint));
  const broken = assessment.ledger.lines.filter(contradicts);
  const meets = (each: ResidualPrediction, line: (typeof broken)[number]) =>
    each.vantagePoint === line.vantagePoint &&
    (each.account === undefined || each.account === line.account) &&
    (each.sign === 'more') === line.residualRange.low > 0;
  const seen = broken.reduce((total, line) => total + (said.some((each) => meets(each, line)) ? SAID : UNSAID), 0);
  const missed = said.filter((each) => !broken.some((line) => meets(each, line))).length;
  return seen + missed * MISSED;
}

/** Only a unit that counts have shown is evidence; one that follows from the objects is known under every hypothesis. */
function lnUnit({ assessment: { granularity } }: DiagnosisInput, unit: Prediction['unit']): number {
  const shown =
    granularity.evidence === 'series' ||
    granularity.evidence === 'connections' ||
    granularity.evidence === 'dispersion';
  if (!shown || unit === undefined) return 0;
  return granularity.unit === unit || granularity.unit === 'group' ? SAID : MISSED;
}
