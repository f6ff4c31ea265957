import type { Cause, Finding } from '../../judge/types.js';
import { percentNumber } from '../format.js';

/** What is wrong and how to put it right, before any number. */
export function Causes({ causes, level }: { causes: readonly Cause[]; level: 2 | 3 }) {
  if (causes.length === 0) return null;
  const Heading = level === 2 ? 'h2' : 'h3';
  return (
    <div class="causes">
      {causes.map((cause) => (
        <div key={`${cause.code} ${cause.object} ${cause.field}`} class="cause">
          <Heading>
            Cause <code class="code-name">{cause.code}</code>
          </Heading>
          {cause.title && <p class="muted">{sentence(cause)}</p>}
          <dl>
            <dt>Object</dt>
            <dd>
              <code>{cause.object}</code>
              {cause.place && <span class="muted"> {cause.place}</span>}
            </dd>
            <dt>Field</dt>
            <dd>
              <code>{cause.field}</code> is <code class="found">{cause.found}</code>, expected{' '}
              <code class="expected">{cause.expected}</code>
            </dd>
            <dt>Fix</dt>
            <dd class="fix">{cause.fix}</dd>
          </dl>
        </div>
      ))}
    </div>
  );
}

const SHOWN_BY = { objects: 'a live object shows it', counts: 'the counts suggest it' };

/** What kind of cause it is, and how sure one may be. */
function sentence({ title = '', confirmedBy, likelihood }: Cause): string {
  const by = confirmedBy ? `; ${SHOWN_BY[confirmedBy]}` : '';
  const of = likelihood === undefined ? '' : `, and it has ${percentNumber(likelihood)} % of the likelihood`;
  return `${title.charAt(0).toUpperCase()}${title.slice(1)}${by}${of}.`;
}

export function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <>
      <h3>Findings</h3>
      <ul class="findings">
        {findings.map(({ level, code, message }) => (
          <li key={`${code} ${message}`} class={level}>
            <strong>{level === 'warning' ? 'Warning' : 'Note'}</strong> <code>{code}</code> {message}
          </li>
        ))}
      </ul>
    </>
  );
}
