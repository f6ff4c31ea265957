import type { Scenario, Stage, WatchedPoint } from '../scenario/types.js';
import { arrivalsOf } from './arrivals.js';
import { quietOf } from './checkPlan.js';
import { errorCeiling } from './errors.js';
import { shareGate } from './gate.js';
import { contradicts } from './ledger.js';
import {
  attributed,
  errorTally,
  type GoodObservation,
  goodObservation,
  observationOf,
  shareTally,
  versionTotal,
} from './tallies.js';
import type { CheckResult, Finding, Granularity, Ledger, Look } from './types.js';
import { amount, counted, list, POINT_NAMES, percent, sentenceCase } from './words.js';

/** What a reader should know beside the verdicts; nothing here changes one. @param unit for which a version is drawn. */
export function findingsOf(
  scenario: Scenario,
  stage: Stage,
  look: Look,
  checks: readonly CheckResult[],
  ledger: Ledger,
  unit: Granularity['unit'],
): Finding[] {
  return [
    ...unwatched(scenario, look),
    ...noMarkedAnswers(scenario, look),
    ...hiddenFailures(look),
    ...failuresBesideCalls(stage, look, checks),
    ...unknownCalls(look),
    ...foreignTraffic(look),
    ...resets(look),
    ...contradictions(checks),
    ...unexplained(ledger),
    ...retries(stage, look),
    ...(unit === 'request' || unit === 'unknown' ? drift(stage, look, checks) : []),
    ...noDecision(checks),
  ];
}

const warning = (code: string, message: string): Finding => ({ level: 'warning', code, message });
const info = (code: string, message: string): Finding => ({ level: 'info', code, message });

const POINTS: readonly WatchedPoint[] = ['client', 'source', 'destination', 'graph'];

function unwatched(scenario: Scenario, look: Look): Finding[] {
  return POINTS.filter((point) => scenario.watch[point] !== 'off').flatMap((point) => {
    const observation = observationOf(look, point);
    if (observation?.status !== 'no-data') return [];
    return [
      warning('VANTAGE_POINT_LOST', `${sentenceCase(POINT_NAMES[point])} could not be read: ${observation.reason}`),
    ];
  });
}

function noMarkedAnswers(scenario: Scenario, look: Look): Finding[] {
  const client = goodObservation(look, 'client');
  if (!scenario.marker || !client || client.counts.sent === 0 || attributed(client.counts) > 0) return [];
  const { sent, unmarked, failed } = client.counts;
  const message = `None of ${counted(sent, 'requests')} was answered with a marker (${amount(unmarked)} unmarked, ${amount(failed)} failed).`;
  return [warning('NO_MARKED_ANSWERS', message)];
}

/** An application that retries and then apologises with status 200 shows the client less than the mesh sees. */
function hiddenFailures(look: Look): Finding[] {
  const client = goodObservation(look, 'client');
  const source = goodObservation(look, 'source');
  if (!client || !source) return [];
  const calls = Object.values(source.counts.versions).reduce((sum, version) => sum + version.failed, 0);
  const failedCalls = calls + source.counts.unknown.failed;
  if (failedCalls <= client.counts.failed) return [];
  const message = `The source proxy counted ${counted(failedCalls, 'failed calls')}, the client ${counted(client.counts.failed, 'failed answers')}: retries hide the rest.`;
  return [info('FAILURES_HIDDEN', message)];
}

/** `errors.max` is decided on the calls of the service; users whose requests fail without such a call must not go unnoticed. */
function failuresBesideCalls(stage: Stage, look: Look, checks: readonly CheckResult[]): Finding[] {
  const client = goodObservation(look, 'client');
  const check = checks.find(({ name, required }) => name === 'errors' && required);
  const max = check?.expected.max;
  if (!client || !check || max === undefined || check.verdict === 'fail') return [];
  const { failed, unmarked, byUri } = client.counts;
  const answers = attributed(client.counts) + unmarked + failed;
  const { errorRate, absence } = stage.precision;
  if (!errorCeiling({ max, alpha: check.errorRate, beta: errorRate, absence }).fails(failed, answers)) return [];
  const most = [...byUri].sort((a, b) => b.failed - a.failed).slice(0, 3);
  const where = list(most.filter((each) => each.failed > 0).map((each) => `${each.uri} (${amount(each.failed)})`));
  const source = goodObservation(look, 'source');
  const calls = source ? `, and ${counted(errorTally(source.counts).count, 'calls')} of the service` : '';
  const message = `${amount(failed)} of ${counted(answers, 'answers')} to the client failed, ${percent(failed / answers)}${calls}; at most ${percent(max)} of the calls may${where ? `. Most: ${where}` : ''}.`;
  return [warning('CLIENT_FAILURES', message)];
}

function unknownCalls(look: Look): Finding[] {
  const source = goodObservation(look, 'source');
  if (!source || source.counts.unknown.total === 0) return [];
  const { unknown, responses } = source.counts;
  const share = unknown.total / (unknown.total + attributed(source.counts));
  const kinds = Object.entries(responses)
    .filter(([key]) => !/ -$/.test(key) || key.startsWith('5'))
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([key, count]) => `${key.replace(/ -$/, '')}: ${amount(count)}`);
  const how = kinds.length > 0 ? ` (${list(kinds)})` : '';
  return [
    warning(
      'NO_VERSION_REACHED',
      `${counted(unknown.total, 'calls')} at the source proxy, ${percent(share)} of all, reached no version${how}.`,
    ),
  ];
}

function foreignTraffic(look: Look): Finding[] {
  return (['source', 'destination'] as const).flatMap((point) => {
    const foreign = Object.entries(goodObservation(look, point)?.counts.foreign ?? {}).filter(([, count]) => count > 0);
    if (foreign.length === 0) return [];
    const who = list(foreign.map(([workload, count]) => `${workload} (${amount(count)})`));
    return [
      info(
        'FOREIGN_TRAFFIC',
        `${sentenceCase(POINT_NAMES[point])} also saw requests of others, which are not judged: ${who}.`,
      ),
    ];
  });
}

function resets(look: Look): Finding[] {
  return look.observations.flatMap((observation) =>
    observation.status === 'ok' && observation.resets > 0
      ? [
          warning(
            'COUNTER_RESET',
            `${counted(observation.resets, 'counters')} of ${POINT_NAMES[observation.vantagePoint]} went back to zero: a proxy restarted, and its last requests may be missing.`,
          ),
        ]
      : [],
  );
}

function contradictions(checks: readonly CheckResult[]): Finding[] {
  return checks
    .filter((check) => !check.required && check.verdict === 'fail')
    .map((check) =>
      warning('CONTRADICTION', `${check.name} at ${POINT_NAMES[check.vantagePoint as WatchedPoint]}: ${check.reason}`),
    );
}

/** Books that cannot be brought together are a finding of their own: one vantage point is blind, or counts something else. */
function unexplained({ lines }: Ledger): Finding[] {
  return lines.filter(contradicts).map(({ vantagePoint, account, count, residual, explanation }) => {
    const surplus = residual > 0 ? 'more' : 'fewer';
    const of = explanation ? ` than ${explanation}` : '';
    return warning(
      'LEDGER_CONTRADICTION',
      `${sentenceCase(POINT_NAMES[vantagePoint])}: ${account}: ${amount(count)}, which is ${amount(Math.abs(residual))} ${surplus}${of}; nothing that was counted explains them${hint(vantagePoint, residual)}.`,
    );
  });
}

const hint = (point: WatchedPoint, residual: number): string =>
  point === 'destination' && residual > 0
    ? ' (mirror copies that no stage promises, or attempts that were repeated without a failure)'
    : '';

/** Attempts that the source proxy repeated inflate what the destination proxies read. */
function retries(stage: Stage, look: Look): Finding[] {
  const source = goodObservation(look, 'source');
  const destination = goodObservation(look, 'destination');
  if (!look.settled || !source || !destination) return [];
  return Object.keys(destination.counts.versions).flatMap((version) => {
    const { received, retries: repeated } = arrivalsOf(stage, source, destination, version);
    if (repeated.count === 0) return [];
    const shareAt = ({ counts }: GoodObservation) => percent(versionTotal(counts, version) / attributed(counts));
    const message = `${version} received ${counted(received, 'requests')}, ${amount(repeated.count)} of them repeated by the source proxy after a failure: the destination proxies read ${shareAt(destination)}, where ${shareAt(source)} of the calls was sent.`;
    return [info('RETRIES_COUNTED', message)];
  });
}

/** A decided pass stays a pass; that the whole window says otherwise must still be told. */
function drift(stage: Stage, look: Look, checks: readonly CheckResult[]): Finding[] {
  if (!look.settled) return [];
  return checks.flatMap((check) => {
    const { share, margin } = check.expected;
    const counts = goodObservation(look, check.vantagePoint as WatchedPoint)?.counts;
    if (check.verdict !== 'pass' || !counts || share === undefined || margin === undefined) return [];
    if (!check.name.startsWith('share:') || (check.vantagePoint !== 'client' && check.vantagePoint !== 'source'))
      return [];
    const tally = shareTally(counts, check.name.slice('share:'.length));
    const gate = shareGate({
      share,
      margin,
      alpha: check.errorRate,
      beta: stage.precision.errorRate,
      ...quietOf(stage),
    });
    if (!gate.fails(tally.count, tally.total)) return [];
    const message = `${check.name} at ${POINT_NAMES[check.vantagePoint]} passed, but the whole window reads ${percent(tally.count / tally.total)}: the share changed afterwards.`;
    return [warning('SHARE_CHANGED', message)];
  });
}

function noDecision(checks: readonly CheckResult[]): Finding[] {
  if (checks.some((check) => check.required && check.verdict !== 'not-applicable')) return [];
  return [warning('NOTHING_REQUIRED', 'No check of this stage is required, so nothing can make it pass.')];
}
