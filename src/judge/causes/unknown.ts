import { contradicts } from '../ledger.js';
import type { Cause, CheckResult, Finding, LedgerLine, StageAssessment } from '../types.js';
import { amount, list, POINT_NAMES, percent, UNITS } from '../words.js';

/** Less likely than that, a cause is something wrong, and not what the counts show. */
const EXPLAINS = 0.01;

/**
 * What is left to say of a stage that fails although no known cause explains its counts: the counts themselves, and what nothing in the
 * ledger explains. undefined: a named cause explains them, or nothing failed that a wrong split could break.
 */
export function causeUnknown(assessment: StageAssessment, causes: readonly Cause[]): Finding | undefined {
  const failed = assessment.checks.filter(
    ({ name, required, verdict }) => required && verdict === 'fail' && !name.startsWith('responseTime'),
  );
  const explained = causes.some(({ likelihood = 1 }) => likelihood >= EXPLAINS);
  if (explained || assessment.verdict !== 'fail' || failed.length === 0) return undefined;
  const none =
    causes.length > 0
      ? 'What is named is wrong, and does not explain what was counted'
      : 'None of the known causes explains this';
  const message = `${none}: ${list(failed.map(inWords))}. ${residuals(assessment.ledger.lines)}`;
  return { level: 'warning', code: 'CAUSE_UNKNOWN', message };
}

function inWords({ name, vantagePoint, observed, expected }: CheckResult): string {
  const point = vantagePoint === 'config' ? 'the configuration' : POINT_NAMES[vantagePoint];
  if (!observed) return `${name} at ${point}`;
  const unit = vantagePoint === 'config' ? 'calls' : UNITS[vantagePoint];
  const promised = expected.share ?? expected.max;
  const than =
    promised === undefined ? '' : `, promised ${expected.max === undefined ? '' : 'at most '}${percent(promised)}`;
  return `${name} at ${point} is ${percent(observed.share)} (${amount(observed.count)} of ${amount(observed.total)} ${unit})${than}`;
}

function residuals(lines: readonly LedgerLine[]): string {
  const open = lines
    .filter(({ residual }) => residual !== 0)
    .sort((a, b) => Math.abs(b.residual) - Math.abs(a.residual));
  if (open.length === 0) return 'The ledger leaves no request unexplained, so all vantage points saw the same.';
  const told = open.slice(0, MOST).map((line) => {
    const sign = line.residual > 0 ? 'more' : 'fewer';
    const doubt = contradicts(line) ? '' : ', which may still be on their way';
    return `${POINT_NAMES[line.vantagePoint]}: ${line.account} ${amount(line.count)}, ${amount(Math.abs(line.residual))} ${sign} than explained${doubt}`;
  });
  const others = open.length > MOST ? `; ${open.length - MOST} more lines stand in the ledger` : '';
  return `What nothing in the ledger explains: ${told.join('; ')}${others}.`;
}

const MOST = 5;
