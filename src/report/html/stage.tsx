import { count, decimal, milliseconds, span } from '../format.js';
import { stageReason } from '../model.js';
import type { RunModel, StageModel } from '../types.js';
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
      <Causes causes={stage.causes} level={4} />
      {reached && <Course stage={stage} lastAt={run.lastAt} />}
      {stage.assessment && (
        <>
          <h3>Checks</h3>
          <ChecksTable checks={stage.assessment.checks} />
        </>
      )}
      <Findings findings={stage.findings} />
      {(stage.series.length > 0 || stage.latency || stage.graph) && <h3>Figures</h3>}
      <div class="figures">
        {stage.series.map((series, index) => (
          <ShareChart
            key={`${series.name} ${series.vantagePoint}`}
            id={`${id}-series-${index + 1}`}
            series={series}
            decidedAt={decidedAt(stage, series.name, series.vantagePoint)}
          />
        ))}
        {stage.latency && <LatencyFigure latency={stage.latency} id={`${id}-latency`} title="Response time" />}
        <GraphFigure stage={stage} id={`${id}-graph`} service={scenario.service} versions={scenario.versions} />
      </div>
      {stage.assessment && <LedgerTable ledger={stage.assessment.ledger} />}
    </article>
  );
}

const decidedAt = (stage: StageModel, name: string, point: string) =>
  stage.assessment?.checks.find((check) => check.name === name && check.vantagePoint === point)?.decidedAt;

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
          <span>{stage.waitingFor ? `no, waited for ${stage.waitingFor}` : 'no'}</span>
        )}
      </li>
      <li>
        <span class="step">Counted</span>
        {lastLook && windowOpenedAt !== undefined ? (
          <span>
            <b>{span(lastLook.at)}</b>, {count(stage.looks)} looks{CLOSED[stage.closeReason ?? 'open']}
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
