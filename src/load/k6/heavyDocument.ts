import pc from 'picocolors';
import { formatPercent } from '../../base/units.js';
import { type HeavyResult, heavyNotes, invalidBecause } from './heavyResult.js';
import { timeBounds } from './merge.js';

const round = (value: number): number => Math.round(value * 1000) / 1000;
const KEYS = ['p50', 'p90', 'p99', 'p999'] as const;

const timesOf = ({ runners }: HeavyResult) => timeBounds(runners.flatMap(({ own }) => own ?? []));

/**
 * The machine-readable summary; where `weighbridge load` has the same fields, they mean the same. Percentiles of several runners are not to be
 * had exactly: `responseTime` is at most, `responseTimeAtLeast` at least what the percentile of all requests is.
 */
export function heavyDocument(
  result: HeavyResult,
  run: { readonly runId: string; readonly seed: number; readonly namespace: string },
) {
  const { merged, runners, seconds } = result;
  const { counts, late } = merged;
  const reasons = invalidBecause(result);
  const notes = heavyNotes(result);
  const times = timesOf(result);
  const percentiles = (which: 0 | 1) =>
    times && Object.fromEntries(KEYS.map((key) => [key, round(times.percentiles[key][which])]));
  return {
    requests: counts.sent,
    failed: counts.failed,
    dropped: counts.dropped,
    seconds: round(seconds),
    requestsPerSecond: seconds > 0 ? round(counts.ended / seconds) : 0,
    /** With headers, as k6 counts. */
    bytesReceived: counts.bytesReceived,
    status: counts.status,
    errors: counts.errors,
    versions: counts.versions,
    unmarked: counts.unmarked,
    byUri: counts.byUri,
    responseTime: times
      ? { ...percentiles(1), max: round(times.max), mean: round(times.mean), count: times.count }
      : {},
    responseTimeAtLeast: percentiles(0) ?? {},
    serviceTime: {},
    generator: {
      valid: reasons.length === 0,
      ...(reasons.length > 0 ? { reason: reasons.join('; ') } : {}),
      ...(notes.length > 0 ? { note: notes.join('; ') } : {}),
      late,
      lateShare: counts.sent === 0 ? 0 : late / counts.sent,
      // Of processes in other pods nobody tells.
      cpuSeconds: null,
      peakRssBytes: null,
    },
    runners: runners.map(({ index, pod, state, exitCode, own, differences }) => ({
      index,
      pod,
      state,
      exitCode,
      ...merged.runners.get(index),
      /** Whether Prometheus holds all that it counted itself; null: that is not known. */
      complete: differences === undefined ? null : differences.length === 0,
      ...(own ? { own } : {}),
    })),
    engine: 'k6' as const,
    target: 'cluster' as const,
    ...run,
  };
}

/** The same for people. */
export function heavyText(result: HeavyResult, color: boolean): string {
  const { merged, runners, seconds } = result;
  const { counts, late } = merged;
  const { red } = pc.createColors(color);
  const list = (counted: Readonly<Record<string, number>>) =>
    Object.entries(counted)
      .sort(([, a], [, b]) => b - a)
      .map(([key, value]) => `${key}: ${value}`)
      .join(', ');
  const reasons = invalidBecause(result);
  const failedShare = counts.ended === 0 ? 0 : counts.failed / counts.ended;
  const lines = [
    `${counts.sent} requests in ${seconds.toFixed(1)} s from ${runners.length} runners, ${(seconds > 0 ? counts.ended / seconds : 0).toFixed(1)} requests/s`,
    (counts.failed + counts.dropped > 0 ? red : String)(
      `${counts.failed} failed (${formatPercent(failedShare, 2)})${counts.dropped > 0 ? `, ${counts.dropped} dropped` : ''}`,
    ),
    '',
    ...timeLines(result),
    `status     ${list(counts.status) || 'no answer'}`,
    ...(Object.keys(counts.versions).length > 0
      ? [`versions   ${list({ ...counts.versions, untold: counts.unmarked })}`]
      : []),
    ...(Object.keys(counts.errors).length > 0 ? [`errors     ${list(counts.errors)}`] : []),
    ...runners.map(({ index, exitCode, state, differences }) => {
      const own = merged.runners.get(index);
      const ended = state === 'ended' ? `exit code ${exitCode}` : state;
      const checked =
        differences === undefined ? 'not compared' : `${differences.length === 0 ? '' : 'NOT '}as it counted itself`;
      return `runner ${String(index).padEnd(3)} ${own?.requests ?? 0} requests, ${ended}, ${checked}`;
    }),
    `generator  ${reasons.length === 0 ? 'valid' : red('INVALID')}, ${late} late (${formatPercent(counts.sent === 0 ? 0 : late / counts.sent, 2)})`,
    ...reasons.map((reason) => `           ${red(reason)}`),
    ...heavyNotes(result).map((note) => `           ${note}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Percentiles of several processes do not add up: what is known is between which two values they lie. */
function timeLines(result: HeavyResult): string[] {
  const times = timesOf(result);
  if (!times) return ['response time  not told by any runner', ''];
  const cell = ([low, high]: readonly [number, number]) =>
    low.toFixed(1) === high.toFixed(1) ? `${high.toFixed(1)} ms` : `${low.toFixed(1)}..${high.toFixed(1)} ms`;
  const row = (label: string, cells: readonly string[]) =>
    label.padEnd(15) + cells.map((text) => text.padStart(17)).join('');
  return [
    row('', ['p50', 'p90', 'p99', 'p99.9', 'max']),
    row('response time', [...KEYS.map((key) => cell(times.percentiles[key])), `${times.max.toFixed(1)} ms`]),
    '',
  ];
}
