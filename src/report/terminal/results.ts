import type { Cause, CheckResult, VantagePoint, Verdict } from '../../judge/types.js';
import { sentenceCase } from '../../judge/words.js';
import {
  checkTitle,
  checkVersion,
  count,
  interval,
  observedValue,
  promise,
  shareNumber,
  sharePercent,
  span,
  vantageTitle,
  verdictWord,
} from '../format.js';
import { leftBehind, stageReason } from '../model.js';
import type { RunModel, StageModel } from '../types.js';
import { type Line, line, type Piece, piece, table, verdictTone } from './line.js';
import { wanted } from './progress.js';

/** What stays on the screen when a stage is over: its verdict in one line, causes with their fix below. */
export function stageResult(stage: StageModel): Line[] {
  const { verdict, causes, findings } = stage;
  const word = piece(verdictWord[verdict], verdictTone[verdict]);
  const lines = [line(word, '  ', piece(stage.name, 'bold'), `  ${stageText(stage)}`)];
  lines.push(...causes.flatMap(causeLines));
  const reason = verdict === 'pass' ? '' : stageReason(stage);
  if (causes.length === 0 && verdict !== 'pass') lines.push(line(`  ? ${reason}`));
  const told = (message: string) => reason.toLowerCase().startsWith(message.toLowerCase());
  for (const finding of findings.filter(({ level, message }) => level === 'warning' && !told(message))) {
    lines.push(line('  - ', piece(finding.code, 'warn'), `  ${finding.message}`));
  }
  return lines;
}

/** What is wrong in words, where, and what to do about it. */
export function causeLines(cause: Cause): Line[] {
  const place = cause.place ? `   ${cause.place}` : '';
  return [
    line('  ! ', piece(cause.code, 'bad'), `  ${cause.object}`),
    ...(cause.title === undefined ? [] : [line(`    ${sentenceCase(cause.title)}${likelihoodText(cause)}.`)]),
    line(`    ${cause.field}: found ${cause.found}; expected ${cause.expected}${place}`),
    line(`    fix: ${cause.fix}`),
  ];
}

/** Whether to begin with this cause. Without counts nothing speaks of how likely it is. */
function likelihoodText({ likelihood, confirmedBy }: Cause): string {
  if (likelihood === undefined) return '';
  if (likelihood < 0.01)
    return ` (${confirmedBy === 'objects' ? 'so the objects say; ' : ''}it does not explain what was counted)`;
  return ` (${likelihood > 0.99 ? 'over 99' : Math.round(100 * likelihood)} % likely)`;
}

/** Every required check in a sentence for everyone and one for statisticians. */
function explanations(stage: StageModel): Line[] {
  const checks = stage.assessment?.checks.filter(({ required }) => required) ?? [];
  return checks.flatMap((check) => [
    line(
      `  ${check.verdict.padEnd(13)} ${checkTitle(check.name)}, ${vantageTitle[check.vantagePoint].toLowerCase()}: ${check.reason}`,
    ),
    ...(check.statistics ? [line(piece(`                ${check.statistics}`, 'dim'))] : []),
  ]);
}

/** The check that tells most: the first required one with the stage's verdict, shares before errors. */
export function leadingCheck(stage: StageModel): CheckResult | undefined {
  const checks = stage.assessment?.checks.filter(({ required, observed }) => required && observed) ?? [];
  return checks.find(({ verdict }) => verdict === stage.verdict) ?? checks[0];
}

function stageText(stage: StageModel): string {
  const check = leadingCheck(stage);
  const took =
    stage.startedAt !== undefined && stage.endedAt !== undefined ? `   ${span(stage.endedAt - stage.startedAt)}` : '';
  if (!check?.observed) return `${stageReason(stage)}${took}`;
  const { share, low, high, count: k, total } = check.observed;
  const version = checkVersion(check.name);
  if (!/^(share:|mirror:|errors$)/.test(check.name)) {
    const { value, bounds } = observedValue(check);
    return `${checkTitle(check.name)} ${value} ${bounds}, promised ${promise(check)}   ${count(total)} requests${took}`;
  }
  const subject = check.name.startsWith('mirror:')
    ? `${sharePercent(share)} copied to ${version}`
    : check.name.startsWith('proxies:')
      ? `one proxy sends ${version} ${sharePercent(share)}`
      : version
        ? `${version} gets ${sharePercent(share)}`
        : `errors ${sharePercent(share)}`;
  return `${subject} ${interval(low, high)}, promised ${wanted(check)}   ${count(k)} of ${count(total)} requests${took}`;
}

const POINTS: readonly VantagePoint[] = ['client', 'source', 'destination', 'graph'];

/**
 * The end: all stages by all vantage points, verdict, and where the report is.
 * @param verbose with the reason and the statistics of every required check; default false.
 */
export function runResult(
  run: RunModel,
  reportPath: string,
  columns = Number.POSITIVE_INFINITY,
  verbose = false,
): Line[] {
  const wide = stageTable(run, true);
  const widest = Math.max(...wide.map((one) => one.reduce((sum, { text }) => sum + text.length, 0)));
  const lines: Line[] = [line(''), ...(widest > columns ? stageTable(run, false) : wide), line('')];
  const told = verbose
    ? run.stages.flatMap((stage) => [line(piece(stage.name, 'bold')), ...explanations(stage), line('')])
    : [];
  return [...lines, ...told, ...closing(run, reportPath)];
}

/** @param intervals with or, for narrow terminals, without */
function stageTable(run: RunModel, intervals: boolean): Line[] {
  const points = POINTS.filter((point) => point !== 'config' && run.facts.scenario.watch[point] !== 'off');
  const header = ['stage', 'verdict', ...points.map((point) => `${point} %`), 'seconds'];
  const rows: Piece[][] = [header.map((name) => piece(name, 'dim'))];
  for (const stage of run.stages) {
    const reached = stage.phase !== 'not-reached';
    rows.push([
      piece(stage.name),
      reached ? piece(verdictWord[stage.verdict], verdictTone[stage.verdict]) : piece('NOT REACHED', 'warn'),
      ...points.map((point) => piece(pointText(stage, point, intervals))),
      piece(
        stage.startedAt === undefined ? '-' : (((stage.endedAt ?? run.lastAt) - stage.startedAt) / 1000).toFixed(1),
      ),
    ]);
  }
  return table(rows);
}

function closing(run: RunModel, reportPath: string): Line[] {
  const lines: Line[] = [];
  if (run.load) {
    const { counts, requestsPerSecond, responseTime } = run.load;
    lines.push(
      line(
        `load    ${count(counts.sent)} requests, ${count(counts.failed)} failed, ${count(requestsPerSecond)} rps, p50 ${responseTime.p50.toFixed(1)} ms, p99 ${responseTime.p99.toFixed(1)} ms`,
      ),
    );
  }
  for (const { object, note } of leftBehind(run))
    lines.push(line('! ', piece('not put back', 'bad'), `  ${object}  ${note}`));
  lines.push(line(piece(verdictWord[run.verdict], verdictTone[run.verdict]), `  ${run.headline}`));
  if (run.failure?.hint) lines.push(line(`  ${run.failure.hint}`));
  lines.push(line(`report  ${reportPath}   exit ${run.exitCode} (${exitWord(run, run.verdict)})`));
  return lines;
}

function exitWord(run: RunModel, verdict: Verdict): string {
  if (run.interrupted) return 'interrupted';
  if (run.exitCode === 4) return 'environment';
  return run.exitCode === 3 ? 'configuration' : verdict;
}

/** `v2 10.2 [7.4, 12.9]`: what this vantage point saw of the stage's shares, in percent. */
function pointText(stage: StageModel, point: VantagePoint, intervals: boolean): string {
  const checks =
    stage.assessment?.checks.filter(
      ({ vantagePoint, name }) => vantagePoint === point && /^(share|mirror):/.test(name),
    ) ?? [];
  const texts = checks.map(({ name, observed, verdict }) => {
    const version = checkVersion(name);
    const what = name.startsWith('share:') ? version : `${version} ${name.split(':')[0]}`;
    if (!observed) return `${what} ${verdict === 'not-applicable' ? 'n/a' : 'no data'}`;
    return `${what} ${shareNumber(observed.share)}${intervals ? ` ${interval(observed.low, observed.high)}` : ''}`;
  });
  return texts.join(', ') || '-';
}
