import { createHash } from 'node:crypto';
import { renderToString } from 'preact-render-to-string';
import { verdictWord } from '../format.js';
import { plainText } from '../text.js';
import type { RunModel } from '../types.js';
import { Hero } from './hero.js';
import { LatencyFigure } from './latency.js';
import { Overview } from './overview.js';
import { fill } from './paint.js';
import { StageCard } from './stage.js';
import { STYLE } from './style.js';

const styleHash = createHash('sha256').update(STYLE).digest('base64');
/** Nothing but the page's own style: no script, no request, no form, no frame. */
const POLICY = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`;

/** index.html: one self-contained file without script; a pure function of the journal. */
export function html(run: RunModel): string {
  // Text from outside is escaped by preact; what no document may hold goes here.
  return `<!DOCTYPE html>\n${plainText(renderToString(<Page run={run} />))}\n`;
}

function Page({ run }: { run: RunModel }) {
  const { facts } = run;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={POLICY} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>{`${verdictWord[run.verdict]} ${facts.scenario.name} - weighbridge`}</title>
        <style>{STYLE}</style>
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the report
        </a>
        <header class="top">
          <p class="brand">
            <Mark /> weighbridge <span class="muted">{facts.weighbridgeVersion}</span>
          </p>
          <nav aria-label="Stages">
            <ul>
              {run.stages.map((stage, index) => (
                <li key={stage.name}>
                  <a href={`#stage-${index + 1}`}>{stage.name}</a>
                </li>
              ))}
            </ul>
          </nav>
        </header>
        <main id="main">
          <Hero run={run} />
          <Overview run={run} />
          {run.stages.map((stage, index) => (
            <StageCard key={stage.name} stage={stage} number={index + 1} run={run} />
          ))}
          <Whole run={run} />
        </main>
        <Footer run={run} />
      </body>
    </html>
  );
}

/** A balance seen from the front. */
function Mark() {
  return (
    <svg width="26" height="26" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <rect width="24" height="24" rx="6" {...fill('info')} />
      <path
        d="M12 5V18.5M8 18.5H16M5 8H19M5 8L3 13.4H7ZM19 8L17 13.4H21Z"
        fill="none"
        stroke="#ffffff"
        class="s-card"
        stroke-width="1.5"
        stroke-linejoin="round"
        stroke-linecap="round"
      />
    </svg>
  );
}

/** The load over all stages, and what was put back. */
function Whole({ run }: { run: RunModel }) {
  const { load, restored } = run;
  if (!load && !restored) return null;
  return (
    <section class="card" aria-labelledby="whole">
      <h2 id="whole">Whole run</h2>
      {load && (
        <div class="figures pairs">
          <LatencyFigure latency={load.responseTime} id="whole-response" title="Response time" level={3} />
          <LatencyFigure latency={load.serviceTime} id="whole-service" title="Service time" level={3} />
        </div>
      )}
      {restored && (
        <>
          <h3>{restored.kept ? 'Last stage kept in place' : 'Put back'}</h3>
          {restored.objects.length === 0 && <p class="muted">Nothing had to be put back.</p>}
          <ul class="changes">
            {restored.objects.map(({ object, result, note }) => (
              <li key={object}>
                <span class={result === 'failed' ? 'tag tag-bad' : 'tag'}>{result}</span> <code>{object}</code>
                {note && <span class="muted"> {note}</span>}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Footer({ run: { facts } }: { run: RunModel }) {
  const again = `weighbridge run ${facts.scenario.file} --seed ${facts.seed} --target ${facts.target.kind}`;
  return (
    <footer>
      <p>
        Run it again with the same draws: <code>{again}</code>
      </p>
      <p>
        All of this follows from <code>journal.ndjson</code> beside this file:{' '}
        <code>weighbridge report {facts.runId}</code> renders it again, byte for byte. The numbers for programs are in{' '}
        <code>report.json</code>.
      </p>
    </footer>
  );
}
