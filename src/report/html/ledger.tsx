import type { Ledger } from '../../judge/types.js';
import { count, vantageTitle } from '../format.js';
import { Cell } from './parts.js';

/** Every request that the client sent, explained at every vantage point. */
export function LedgerTable({ ledger }: { ledger: Ledger }) {
  if (ledger.lines.length === 0) return null;
  return (
    <>
      <h3>
        Ledger <span class={ledger.closed ? 'tag tag-ok' : 'tag tag-warn'}>{ledger.closed ? 'closed' : 'open'}</span>
      </h3>
      <p class="muted">
        {ledger.closed
          ? 'Every request is explained at every vantage point.'
          : 'Some requests are not explained, or were still under way at the last look.'}
      </p>
      <details open={!ledger.closed}>
        <summary>{`All ${ledger.lines.length} lines`}</summary>
        <table class="stack ledger">
          <thead>
            <tr>
              <th scope="col">Vantage point</th>
              <th scope="col">Account</th>
              <th scope="col" class="num">
                Count
              </th>
              <th scope="col">Made of</th>
              <th scope="col" class="num">
                Unexplained
              </th>
            </tr>
          </thead>
          <tbody>
            {ledger.lines.map((line) => (
              <tr key={`${line.vantagePoint} ${line.account}`}>
                <Cell label="Vantage point">{vantageTitle[line.vantagePoint]}</Cell>
                <Cell label="Account" strong>
                  {line.account}
                </Cell>
                <Cell label="Count">
                  <span class="num">{count(line.count)}</span>
                </Cell>
                <Cell label="Made of">{line.explanation || <span class="muted">counted there</span>}</Cell>
                <Cell label="Unexplained">
                  <span class={line.residual === 0 ? 'num' : 'num residual'}>{count(line.residual)}</span>
                </Cell>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}
