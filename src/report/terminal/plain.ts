import type { RunEvent } from '../../release/events.js';
import { clockTime, count, milliseconds, shareNumber, sharePercent, span, vantageTitle } from '../format.js';
import type { EventOf, RunModel, StageModel } from '../types.js';
import { type Line, line } from './line.js';
import { failedShare } from './progress.js';
import { leadingCheck, stageResult } from './results.js';

/** One line for an event that people follow a log for; nothing for the others. Looks are the caller's, he spaces them. */
export function eventLines(event: RunEvent, run: RunModel): Line[] {
  const time = clockTime(event.at);
  switch (event.type) {
    case 'run-started':
      return [
        line(
          `${time} ${event.scenario.name} on ${event.target.kind} seed=${event.seed} run=${event.runId} stages=${event.stages.join(',')}`,
        ),
      ];
    case 'seeded':
      return [line(`${time} seeded ${event.created.join(', ') || 'nothing, all there'}`)];
    case 'load-started':
      return [
        line(
          `${time} load started uris=${event.uris.length}${event.mixedIn.length > 0 ? ` mixed-in=${event.mixedIn.join(',')}` : ''}`,
        ),
      ];
    case 'unreachable':
      return [line(`${time} ${event.vantagePoint} unreachable: ${event.reason}`)];
    case 'stage-started':
      return [line(`${time} ${event.stage} started`)];
    case 'changed':
      return [line(`${time} ${event.stage} ${event.object} ${event.result}`)];
    case 'arrived':
      return [
        line(
          `${time} ${event.stage} arrived in ${milliseconds(event.ms)} (${event.how}${event.inferred ? ', inferred' : ''})`,
        ),
      ];
    case 'not-arrived':
      return [line(`${time} ${event.stage} not arrived after ${milliseconds(event.ms)}: ${event.detail}`)];
    case 'fresh-connections':
      return [line(`${time} ${event.stage} ${freshConnectionsText(event)}`)];
    case 'waiting':
      // What a stage waits for in the ordinary way is told with its state.
      return event.outage ? [line(`${time} ${event.stage} waits: ${event.for}`)] : [];
    case 'window-closed':
      return [line(`${time} ${event.stage} window closed: ${event.reason}`)];
    case 'soak-started':
      return [line(`${time} ${event.stage} passed, soaks for ${span(event.ms)}`)];
    case 'soak-finished':
      return [line(`${time} ${event.stage} soak ended: ${event.reason}`)];
    case 'stage-finished':
      return finished(event.stage, run, time);
    case 'load-finished':
      return [
        line(`${time} load finished requests=${event.summary.counts.sent} failed=${event.summary.counts.failed}`),
      ];
    case 'interrupted':
      return [line(`${time} interrupted by ${event.signal}: putting the cluster back`)];
    case 'failed':
      return [
        line(`${time} ${event.code}: ${event.message}`),
        ...(event.hint ? [line(`${time}   ${event.hint}`)] : []),
      ];
    case 'restored':
      return [line(`${time} ${event.kept ? 'kept' : 'put back'} objects=${event.objects.length}`)];
    case 'journal-cut':
      return [line(`${time} the journal is cut in the middle of line ${event.line}`)];
    default:
      return [];
  }
}

const freshConnectionsText = ({ unit, switched, share, why }: EventOf<'fresh-connections'>): string =>
  switched
    ? `${unit} From now on ${sharePercent(share)} of the requests get a connection of their own: ${why}.`
    : `${unit} Fresh connections of the load would not help: ${why}.`;

function finished(name: string, run: RunModel, time: string): Line[] {
  const stage = run.stages.find((one) => one.name === name);
  return stage ? stageResult(stage).map((one, index) => (index === 0 ? [...line(`${time} `), ...one] : one)) : [];
}

/** Where the run stands, for a log without events: `12:00:12 canary running share:v2=10.4% ci=[6.9,14.1] n=901 rps=412 errors=0%`. */
export function stateLine(run: RunModel, nowWallMs: number): Line {
  const time = clockTime(nowWallMs);
  const stage = run.stages.findLast(({ phase }) => phase !== 'not-reached' && phase !== 'finished');
  if (!stage) return line(`${time} running`);
  if (stage.phase !== 'counting' && stage.phase !== 'soaking')
    return line(`${time} ${stage.name} ${stage.waitingFor ? `waiting for ${stage.waitingFor}` : stage.phase}`);
  return line(
    `${time} ${stage.name} running ${checkText(stage)}rps=${count(stage.rps)} errors=${shareNumber(failedShare(stage))}%`,
  );
}

function checkText(stage: StageModel): string {
  const check = leadingCheck(stage);
  if (!check?.observed) return '';
  const { share, low, high, total } = check.observed;
  const vantage = vantageTitle[check.vantagePoint].split(' ')[0]?.toLowerCase();
  return `${check.name}=${shareNumber(share)}% ci=[${shareNumber(low)},${shareNumber(high)}] n=${total} vantage=${vantage} `;
}
