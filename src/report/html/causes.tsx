import type { Cause, Finding } from '../../judge/types.js';

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
