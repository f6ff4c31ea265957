import type { CheckResult, VantagePoint } from '../../judge/types.js';
import { checkTitle, observedValue, vantageTitle } from '../format.js';
import type { RunModel, StageModel } from '../types.js';
import { expectationText } from '../words.js';
import { Cell, Chip } from './parts.js';

const COLUMNS: readonly VantagePoint[] = ['client', 'source', 'destination', 'graph'];

/** All stages by all vantage points: the table people look at first and link to. */
export function Overview({ run }: { run: RunModel }) {
  const columns = COLUMNS.filter((point) => point !== 'config' && run.facts.scenario.watch[point] !== 'off');
  return (
    <section class="card" aria-labelledby="stages">
      <h2 id="stages">Stages</h2>
      <table class="stack">
        <thead>
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">Promise</th>
            {columns.map((point) => (
              <th key={point} scope="col">
                {vantageTitle[point]}
              </th>
            ))}
            <th scope="col">Verdict</th>
          </tr>
        </thead>
        <tbody>
          {run.stages.map((stage, index) => (
            <tr key={stage.name}>
              <Cell label="Stage" strong>
                <a href={`#stage-${index + 1}`}>{stage.name}</a>
              </Cell>
              <Cell label="Promise">{expectationText(stage.stage)}</Cell>
              {columns.map((point) => (
                <Cell key={point} label={vantageTitle[point]}>
                  <Seen stage={stage} point={point} />
                </Cell>
              ))}
              <Cell label="Verdict">
                {stage.phase === 'not-reached' ? (
                  <Chip verdict={stage.verdict} word="NOT REACHED" />
                ) : (
                  <Chip verdict={stage.verdict} />
                )}
              </Cell>
            </tr>
          ))}
        </tbody>
      </table>
      {run.unreachable.map(({ vantagePoint, reason }) => (
        <p key={vantagePoint} class="lost">
          <b>{vantagePoint}</b> did not answer before the load and is only accounted for: {reason}
        </p>
      ))}
      <p class="muted small">
        Observed share with its interval in percent. Intervals hold at every look together, at the error rate of the
        check. Values in grey are accounted for and do not decide.
      </p>
    </section>
  );
}

function Seen({ stage, point }: { stage: StageModel; point: VantagePoint }) {
  const checks = (stage.assessment?.checks ?? []).filter(
    ({ vantagePoint, name }) => vantagePoint === point && name !== 'errors',
  );
  if (checks.length === 0) return <span class="muted">–</span>;
  return (
    <>
      {checks.map((check) => (
        <span key={check.name} class={check.required ? 'seen' : 'seen muted'}>
          <SeenValue check={check} />
        </span>
      ))}
    </>
  );
}

function SeenValue({ check }: { check: CheckResult }) {
  const { name, observed, verdict } = check;
  const { value, bounds } = observedValue(check);
  const [kind = '', version = ''] = name.split(':');
  const what = kind === 'share' ? version : kind === 'mirror' ? `${version} mirror` : checkTitle(check.name);
  if (!observed) return <>{`${what} ${verdict === 'not-applicable' ? 'not applicable' : 'no data'}`}</>;
  return (
    <>
      {what} <b>{value}</b> <span class="muted nowrap">{bounds}</span>
    </>
  );
}
