import type { CheckResult } from '../../judge/types.js';
import { checkTitle, count, isAccount, observedValue, promise, span, vantageTitle } from '../format.js';
import { Cell, Chip } from './parts.js';
import { RangeBar } from './rangeBar.js';

/** Every check of a stage, required ones first; the reason says in a sentence what the numbers mean. */
export function ChecksTable({ checks }: { checks: readonly CheckResult[] }) {
  const order = [...checks.filter(({ required }) => required), ...checks.filter(({ required }) => !required)];
  return (
    <table class="stack checks">
      <thead>
        <tr>
          <th scope="col">Check</th>
          <th scope="col">Observed</th>
          <th scope="col">Promised</th>
          <th scope="col">Evidence</th>
          <th scope="col">Verdict</th>
        </tr>
      </thead>
      <tbody>
        {order.map((check) => (
          <CheckRow key={`${check.name} ${check.vantagePoint}`} check={check} />
        ))}
      </tbody>
    </table>
  );
}

function CheckRow({ check }: { check: CheckResult }) {
  const { observed, required, verdict, decidedAt, statistics } = check;
  const seen = observedValue(check);
  return (
    <tr data-check={check.name} data-vantage={check.vantagePoint} class={required ? '' : 'account'}>
      <Cell label="Check" strong>
        <span>
          {checkTitle(check.name)}
          <span class="muted block">
            {vantageTitle[check.vantagePoint]}
            {required ? '' : ', accounted for'}
          </span>
        </span>
      </Cell>
      <Cell label="Observed">
        {observed ? (
          <span>
            <b class="share">{seen.value}</b> <span class="muted nowrap">{seen.bounds}</span>
            <RangeBar check={check} />
          </span>
        ) : (
          <span class="muted">nothing</span>
        )}
      </Cell>
      <Cell label="Promised">{isAccount(check) ? 'what the source proxy predicts' : promise(check)}</Cell>
      <Cell label="Evidence">
        <span>
          {observed ? `${count(observed.count)} of ${count(observed.total)}` : '–'}
          {decidedAt !== undefined && <span class="muted block">decided after {span(decidedAt)}</span>}
        </span>
      </Cell>
      <Cell label="Verdict">
        <span class="why">
          <Chip verdict={verdict} />
          <span class="muted block small">{check.reason}</span>
          {statistics && (
            <details class="statistics small">
              <summary>Statistics</summary>
              <p class="muted">{statistics}</p>
            </details>
          )}
        </span>
      </Cell>
    </tr>
  );
}
