import type { WindowCounts } from '../../observe/types.js';
import type { WatchedPoint } from '../../scenario/types.js';
import { contradicts } from '../ledger.js';
import { attributed, goodObservation } from '../tallies.js';
import type { PointPrediction, Prediction } from './kind.js';
import type { DiagnosisInput } from './objects.js';

/** The prediction of a cause whose size nobody knows: at the points where it shows, what was counted, at the price of a fitted share. */
export function asCounted(input: DiagnosisInput, points: readonly WatchedPoint[]): Prediction {
  const residuals = input.assessment.ledger.lines
    .filter((line) => contradicts(line) && points.includes(line.vantagePoint))
    .map(({ vantagePoint, account, residualRange: { low } }) => ({
      vantagePoint,
      account,
      sign: low > 0 ? ('more' as const) : ('fewer' as const),
    }));
  const counted = points.flatMap((point) => {
    const predicted = countedAt(input, point);
    return predicted ? [[point, predicted] as const] : [];
  });
  return { points: Object.fromEntries(counted), residuals, fitted: 1 };
}

/**
 * Connections that pass the mesh by: no proxy counts them for the Service. A pod is drawn for each, and a caller may keep a few of them, so
 * any share can come of that.
 */
export function passedBy(input: DiagnosisInput): Prediction {
  const { points, fitted = 0 } = asCounted(input, ['client']);
  const silent = { share: {}, silent: true };
  return { points: { ...points, source: silent, destination: silent }, fitted };
}

function countedAt({ observations }: DiagnosisInput, point: WatchedPoint): PointPrediction | undefined {
  const counts = goodObservation(observations, point)?.counts;
  if (!counts) return undefined;
  const all = attributed(counts) + counts.unknown.total;
  if (all === 0) return { share: {}, silent: true };
  const share = Object.fromEntries(Object.entries(counts.versions).map(([name, { total }]) => [name, total / all]));
  const failed = Object.fromEntries(
    Object.entries(counts.versions).map(([name, each]) => [name, each.total === 0 ? 0 : each.failed / each.total]),
  );
  const lost = Object.fromEntries([...lostByFlag(counts)].map(([flag, count]) => [flag, count / all]));
  return { share, lost, failed };
}

/** Flags of requests that ended at the source proxy; others are of calls that reached a pod. */
const LOST = ['NC', 'NR', 'UH', 'UO', 'FI'];

export const flagOf = (response: string): string =>
  LOST.find((flag) => response.split(/[ ,]/).includes(flag)) ?? 'other';

/** Requests that reached no version, by the flag that says why. */
export function lostByFlag({ unknown, responses }: WindowCounts): ReadonlyMap<string, number> {
  const flags = new Map([...LOST, 'other'].map((flag) => [flag, 0]));
  let left = unknown.total;
  for (const [response, count] of Object.entries(responses)) {
    const flag = flagOf(response);
    const here = flag === 'other' ? 0 : Math.min(left, count);
    flags.set(flag, (flags.get(flag) ?? 0) + here);
    left -= here;
  }
  return flags.set('other', left);
}
