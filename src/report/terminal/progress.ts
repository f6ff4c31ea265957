import type { CheckResult } from '../../judge/types.js';
import type { LoadModel } from '../../scenario/types.js';
import {
  count,
  milliseconds,
  minutes,
  observedValue,
  percentNumber,
  promise,
  sharePercent,
  span,
  vantageTitle,
} from '../format.js';
import type { RunModel, StageModel } from '../types.js';
import { bar, type Line, line, piece, verdictTone } from './line.js';

/** Below this a remaining time would be a guess. */
const LEAST_PROGRESS = 0.03;

/** The live block: where the run is, the load, each check on its way to a decision, the counts behind it. */
export function progressBlock(run: RunModel, nowWallMs: number, columns: number): Line[] {
  const { facts } = run;
  const index = run.stages.findLastIndex(({ phase }) => phase !== 'not-reached');
  const stage = run.stages[index];
  const head = [piece(facts.scenario.name, 'bold'), piece(` on ${facts.target.kind}   seed ${facts.seed}`)];
  if (!stage || stage.phase === 'finished') {
    return [line(...head, `   ${minutes(nowWallMs - run.startedAt)}   ${betweenStages(run)}`)];
  }
  const place = `   stage ${index + 1}/${run.stages.length} `;
  const lines = [line(...head, place, piece(stage.name, 'bold'), `   ${timeText(run, stage, nowWallMs)}`)];
  lines.push(line(`  ${bar(stageProgress(stage), 20)} ${phaseText(stage)}`));
  if (stage.latency) lines.push(line(`  load    ${loadText(run, stage)}`));
  const checks = stage.assessment?.checks.filter(({ required }) => required) ?? [];
  for (const check of checks) lines.push(checkLine(check, columns));
  const counts = countsText(stage);
  if (counts) lines.push(line(piece(`  ${counts}`, 'dim')));
  return lines;
}

function betweenStages(run: RunModel): string {
  if (run.restored) return 'writing reports';
  if (run.load) return 'putting the cluster back';
  if (run.stages.every(({ phase }) => phase === 'not-reached')) return run.seeded ? 'seed data ready' : 'getting ready';
  return 'next stage';
}

function phaseText(stage: StageModel): string {
  switch (stage.phase) {
    case 'changing':
      return 'applying the stage';
    case 'arriving':
      return `waiting for ${stage.waitingFor ?? 'the data plane'}`;
    case 'warming-up':
      return stage.arrival ? `arrived in ${milliseconds(stage.arrival.ms)}, warming up` : 'not arrived, warming up';
    case 'soaking':
      return `passed, soaking for ${span(stage.stage.soak ?? 0)}`;
    case 'settling':
      return 'settling the ledger';
    default:
      return stage.assessment?.decided
        ? 'decided'
        : `counting, ${count(stage.looks)} ${stage.looks === 1 ? 'look' : 'looks'}`;
  }
}

/** How far the stage has come, 0..1: as far as its slowest required check. */
function stageProgress(stage: StageModel): number {
  const checks =
    stage.assessment?.checks.filter(({ required, verdict }) => required && verdict !== 'not-applicable') ?? [];
  if (checks.length === 0) return 0;
  return Math.min(...checks.map(({ decided, progress }) => (decided ? 1 : progress)));
}

function timeText(run: RunModel, stage: StageModel, now: number): string {
  const elapsed = minutes(now - run.startedAt);
  const opened = stage.windowOpenedAt;
  const progress = stageProgress(stage);
  if (opened === undefined || stage.phase !== 'counting' || progress < LEAST_PROGRESS) return elapsed;
  const counted = Math.max(0, now - opened);
  const whole = Math.min(run.facts.scenario.maxDuration, counted / progress);
  return `${elapsed}, about ${minutes(Math.max(0, whole - counted) + 999)} left in this stage`;
}

function usersText(model: LoadModel): string {
  if (model.kind === 'mixed') return model.parts.map((part) => usersText(part.model)).join(' + ');
  const start = model.kind === 'closed' ? model.users : model.ratePerSecond;
  const most = Math.max(start, ...(model.stages ?? []).map(({ to }) => to));
  const text = `${model.stages ? 'up to ' : ''}${count(most)}`;
  return model.kind === 'closed' ? `${text} users` : `${text} rps wanted`;
}

function loadText(run: RunModel, stage: StageModel): string {
  const { latency, rps, generator } = stage;
  const failed = failedShare(stage);
  const parts = [
    usersText(run.facts.scenario.load.model),
    `${count(rps)} rps`,
    `p50 ${milliseconds(latency?.p50 ?? 0)}`,
    `p99 ${milliseconds(latency?.p99 ?? 0)}`,
    `errors ${sharePercent(failed)}`,
    `late ${sharePercent(generator?.lateShare ?? 0)}`,
  ];
  return parts.join('  ');
}

/** Share of the client's requests in the window that failed. */
export function failedShare(stage: StageModel): number {
  const client = stage.lastLook?.observations.find(({ vantagePoint }) => vantagePoint === 'client');
  if (client?.status !== 'ok' || client.counts.sent === 0) return 0;
  return client.counts.failed / client.counts.sent;
}

function checkLine(check: CheckResult, columns: number): Line {
  const { observed, verdict, need, decided } = check;
  const shown = observedValue(check);
  const state = decided || verdict !== 'inconclusive' ? verdict : '...';
  const name = `${check.name} ${vantageTitle[check.vantagePoint].split(' ')[0]?.toLowerCase()}`;
  const seen = observed ? `${shown.value.padStart(7)}  ${shown.bounds}` : 'nothing yet';
  const more = !decided && need !== undefined ? `  about ${count(need)} more requests` : '';
  const scale = columns >= 110 && observed ? `  ${scaleText(check)}` : '';
  return line(
    piece(`  ${state.padEnd(13)} `, verdict === 'inconclusive' ? 'plain' : verdictTone[verdict]),
    `${name.padEnd(22)} ${seen.padEnd(24)} want ${wanted(check)}${more}${scale}`,
  );
}

/** `10 +-3`, `<= 0.5`, in percent. */
export function wanted(check: CheckResult): string {
  const { share, margin, max, absence, percentile, limitMs, than } = check.expected;
  if (percentile && limitMs !== undefined) return `<= ${milliseconds(limitMs)}`;
  if (than !== undefined) return promise(check);
  if (share === 0 && absence !== undefined) return `0 (below ${percentNumber(absence)})`;
  if (share === 1 && absence !== undefined) return `100 (above ${percentNumber(1 - absence)})`;
  if (share !== undefined) return `${percentNumber(share)}${margin === undefined ? '' : ` +-${percentNumber(margin)}`}`;
  return max === undefined ? 'as stated' : `<= ${percentNumber(max)}`;
}

/** The interval and the promise on one scale of 21 places. */
function scaleText({ observed, expected }: CheckResult): string {
  if (!observed) return '';
  const target = expected.share ?? expected.max ?? 0;
  const reach = Math.max((expected.margin ?? expected.absence ?? target) * 3, 0.01);
  const low = Math.max(0, target - reach);
  const high = Math.min(1, target + reach);
  const at = (share: number) => Math.round(Math.min(1, Math.max(0, (share - low) / (high - low))) * 20);
  const marks = Array.from<unknown, string>({ length: 21 }, (_, index) =>
    index >= at(observed.low) && index <= at(observed.high) ? '=' : '.',
  );
  marks[at(observed.low)] = '(';
  marks[at(observed.high)] = ')';
  marks[at(target)] = '|';
  return `${percentNumber(low)} %[${marks.join('')}]${percentNumber(high)} %`;
}

/** `source 901   client 901`: requests of the service that each vantage point has counted. */
function countsText(stage: StageModel): string {
  return (stage.lastLook?.observations ?? [])
    .map((one) => {
      if (one.status !== 'ok') return `${one.vantagePoint} no data`;
      const versions = Object.values(one.counts.versions).reduce((sum, { total }) => sum + total, 0);
      return `${one.vantagePoint} ${count(versions + one.counts.unknown.total)}`;
    })
    .join('   ');
}
