import { count, decimal, milliseconds, percent, span, utc, verdictWord } from '../format.js';
import { leftBehind } from '../model.js';
import type { RunModel } from '../types.js';
import { Causes } from './causes.js';
import { VerdictIcon, verdictPaint } from './parts.js';

/** The first screen: verdict, why, what to do, and the run in six numbers. */
export function Hero({ run }: { run: RunModel }) {
  const { facts, failure } = run;
  const causes = run.stages.flatMap((stage) => stage.causes);
  const left = leftBehind(run);
  return (
    <section class={`hero hero-${verdictPaint[run.verdict]}`} aria-labelledby="verdict">
      <div class="verdict">
        <VerdictIcon verdict={run.verdict} size={56} />
        <div>
          <h1 id="verdict">
            <span class="word">{verdictWord[run.verdict]}</span> <span class="scenario">{facts.scenario.name}</span>
          </h1>
          <p class="headline">{run.headline}</p>
        </div>
      </div>
      {failure && (
        <div class="cause">
          <h2>
            Stopped by <code class="code-name">{failure.code}</code>
          </h2>
          <p>{failure.message}</p>
          {failure.hint && <p class="fix">{failure.hint}</p>}
        </div>
      )}
      <Causes causes={causes.slice(0, 1)} level={2} />
      {causes.length > 1 && <p class="muted">{causes.length - 1} more causes stand with their stages below.</p>}
      {left.length > 0 && (
        <div class="cause">
          <h2>Not put back</h2>
          <ul>
            {left.map(({ object, note }) => (
              <li key={object}>
                <code>{object}</code> {note}
              </li>
            ))}
          </ul>
        </div>
      )}
      <Tiles run={run} />
      <p class="facts muted">
        <span>Run {facts.runId}</span>
        <span>
          {facts.target.kind === 'lab' ? 'Embedded lab' : `Cluster ${facts.target.context}`}, {facts.scenario.mesh}
        </span>
        <span>{utc(run.startedAt)}</span>
        <span>Seed {facts.seed}</span>
        <span>Exit code {run.exitCode}</span>
      </p>
    </section>
  );
}

function Tiles({ run }: { run: RunModel }) {
  const { load, stages } = run;
  const passed = stages.filter(({ verdict, phase }) => verdict === 'pass' && phase === 'finished').length;
  const tiles: [string, string, string][] = [
    ['Stages passed', `${passed} of ${stages.length}`, `in ${span(run.lastAt - run.startedAt)}`],
    ['Error rate', percent(run.facts.scenario.precision.errorRate), 'for the whole run'],
  ];
  if (load) {
    const { counts, responseTime, requestsPerSecond, generator } = load;
    tiles.push(
      ['Requests', count(counts.sent), `${count(requestsPerSecond)} per second`],
      ['Failed', count(counts.failed), counts.sent > 0 ? percent(counts.failed / counts.sent) : 'none sent'],
      ['Response time', milliseconds(responseTime.p50), `p99 ${milliseconds(responseTime.p99)}`],
      ['Generator', generator.valid ? 'valid' : 'invalid', `${decimal(generator.lateShare * 100, 2)} % sent late`],
    );
  }
  return (
    <dl class="tiles">
      {tiles.map(([name, value, note]) => (
        <div key={name} class="tile">
          <dt>{name}</dt>
          <dd>
            <span class="value">{value}</span> <span class="muted">{note}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
