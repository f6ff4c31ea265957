import { count, decimal, milliseconds, span } from '../format.js';
import { stageReason } from '../model.js';
import type { CheckSeries, RunModel, StageModel } from '../types.js';
import { expectationText } from '../words.js';
import { Causes, Findings } from './causes.js';
import { ShareChart } from './chart.js';
import { ChecksTable } from './checks.js';
import { GraphFigure } from './graph.js';
import { LatencyFigure } from './latency.js';
import { LedgerTable } from './ledger.js';
import { Chip } from './parts.js';

/** One stage: what it promised, what was seen from everywhere, what explains it. */
export function StageCard({ stage, number, run }: { stage: StageModel; number: number; run: RunModel }) {
  const id = `stage-${number}`;
  const { scenario } = run.facts;
  const shown = requiredSeries(stage).length + (stage.latency ? 1 : 0);
  const reached = stage.phase !== 'not-reached';
  return (
    <article class="card stage" id={id} aria-labelledby={`${id}-title`}>
      <header>
        <div>
          <p class="eyebrow">
            Stage {number} of {run.stages.length}
          </p>
          <h2 id={`${id}-title`}>{stage.name}</h2>
          <p class="promise">Promise: {expectationText(stage.stage)}</p>
        </div>
        <Chip verdict={stage.verdict} {...(!reached && { word: 'NOT REACHED' })} />
      </header>
      {stage.verdict !== 'pass' && <p class="reason">{stageReason(stage)}</p>}
      <Causes causes={stage.causes} level={3} />
      {reached && <Course stage={stage} lastAt={run.lastAt} />}
      {stage.assessment && (
        <>
          <h3>Checks</h3>
          <ChecksTable checks={stage.assessment.checks} />
        </>
      )}
      <Findings findings={stage.findings} />
      {(stage.series.length > 0 || stage.latency || stage.graph) && <h3>Figures</h3>}
      <div class={shown % 3 === 1 ? 'figures pairs' : 'figures'}>
        <Charts stage={stage} id={id} required />
        {stage.latency && <LatencyFigure latency={stage.latency} id={`${id}-latency`} title="Response time" />}
        <Charts stage={stage} id={id} required={false} />
        <GraphFigure stage={stage} id={`${id}-graph`} service={scenario.service} versions={scenario.versions} />
      </div>
      {stage.assessment && <LedgerTable ledger={stage.assessment.ledger} />}
    </article>
  );
}

const checkOf = (stage: StageModel, series: CheckSeries) =>
  stage.assessment?.checks.find((check) => check.name === series.name && check.vantagePoint === series.vantagePoint);

const requiredSeries = (stage: StageModel) => stage.series.filter((series) => checkOf(stage, series)?.required);

/** The course of the checks that decide; of those that are only accounted for, folded away. */
function Charts({ stage, id, required }: { stage: StageModel; id: string; required: boolean }) {
  const charts = stage.series.flatMap((series, index) => {
    const check = checkOf(stage, series);
    if (check?.required !== required) return [];
    const key = `${id}-series-${index + 1}`;
    return [<ShareChart key={key} id={key} series={series} decidedAt={check.decidedAt} />];
  });
  if (required || charts.length === 0) return <>{charts}</>;
  return (
    <details class="more">
      <summary>Over time where it is only accounted for ({charts.length})</summary>
      <div class="figures">{charts}</div>
    </details>
  );
}

const HOW = {
  'config-dump': "read from every caller proxy's own route table",
  syncz: "read from the control plane's synchronisation state",
  probes: 'inferred from probes',
} as const;

/** What was changed, how long it took to arrive, how long was counted. */
function Course({ stage, lastAt }: { stage: StageModel; lastAt: number }) {
  const { arrival, changes, startedAt, windowOpenedAt, lastLook } = stage;
  return (
    <ol class="course">
      <li>
        <span class="step">Changed</span>
        {changes.length === 0 ? (
          <span>nothing</span>
        ) : (
          <ul class="changes">
            {changes.map(({ object, result }) => (
              <li key={object}>
                <span class="tag">{result}</span> <code>{object}</code>
              </li>
            ))}
          </ul>
        )}
      </li>
      <li>
        <span class="step">Arrived</span>
        {arrival ? (
          <span>
            <b>{milliseconds(arrival.ms)}</b> after the change, {HOW[arrival.how]}
            {arrival.detail && <span class="muted block small">{arrival.detail}</span>}
          </span>
        ) : (
          <span>
            {stage.notArrived ? `not within ${span(stage.notArrived.ms)}` : 'no'}
            {stage.waitingFor && `, waited for ${stage.waitingFor}`}
          </span>
        )}
      </li>
      <li>
        <span class="step">Counted</span>
        {lastLook && windowOpenedAt !== undefined ? (
          <span>
            <b>{span(lastLook.at)}</b>, {count(stage.looks)} {stage.looks === 1 ? 'look' : 'looks'}
            {CLOSED[stage.closeReason ?? 'open']}
            {stage.latency && `, ${count(stage.latency.count)} responses`}
            {stage.rps > 0 && `, ${decimal(stage.rps, 0)} requests/s at the end`}
          </span>
        ) : (
          <span>nothing</span>
        )}
      </li>
      <li>
        <span class="step">Took</span>
        <span>{startedAt === undefined ? '–' : span((stage.endedAt ?? lastAt) - startedAt)} in all</span>
      </li>
    </ol>
  );
}

const CLOSED = {
  decided: ', closed as decided',
  'max-duration': ', closed as time was over',
  interrupted: ', closed by the interruption',
  error: ', closed by an error',
  open: '',
} as const;
