import { create } from 'xmlbuilder2';
import type { CheckResult, Verdict } from '../judge/types.js';
import { vantageTitle } from './format.js';
import { leftBehind, stageReason } from './model.js';
import { plainText } from './text.js';
import type { RunModel, StageModel } from './types.js';

interface TestCase {
  readonly name: string;
  readonly seconds: number;
  readonly outcome: 'pass' | 'failure' | 'error' | 'skipped';
  readonly type: string;
  readonly message: string;
  readonly body: string;
}

interface Suite {
  readonly name: string;
  readonly startedAt: number | undefined;
  readonly seconds: number;
  readonly cases: readonly TestCase[];
}

/**
 * junit.xml: a suite per stage, a case per check. A refuted promise is a failure; undecided and unobserved ones are errors, never
 * skipped, because CI systems show skipped as green. Checks that are only accounted for never fail their case.
 */
export function junit(run: RunModel): string {
  const suites = [...run.stages.map((stage) => stageSuite(stage, run.lastAt)), ...runSuite(run)];
  const all = suites.flatMap(({ cases }) => cases);
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele('testsuites', {
    name: plainText(run.facts.scenario.name),
    ...totals(all),
    time: decimal3((run.lastAt - run.startedAt) / 1000),
  });
  for (const suite of suites) {
    const element = root.ele('testsuite', {
      name: plainText(suite.name),
      ...totals(suite.cases),
      time: decimal3(suite.seconds),
      ...(suite.startedAt !== undefined && { timestamp: new Date(suite.startedAt).toISOString().slice(0, 19) }),
    });
    for (const one of suite.cases) {
      const attributes = {
        name: plainText(one.name),
        classname: plainText(`${run.facts.scenario.name}.${suite.name}`),
        time: decimal3(one.seconds),
      };
      const testcase = element.ele('testcase', attributes);
      if (one.outcome === 'pass') {
        if (one.body) testcase.ele('system-out').txt(plainText(one.body));
      } else if (one.outcome === 'skipped') {
        testcase.ele('skipped', { message: plainText(one.message) });
      } else {
        // Once more as text: some readers ignore the attribute.
        const detail = { type: plainText(one.type), message: plainText(one.message) };
        testcase.ele(one.outcome, detail).txt(plainText(one.body));
      }
    }
  }
  return `${root.end({ prettyPrint: true })}\n`;
}

function stageSuite(stage: StageModel, lastAt: number): Suite {
  const seconds = stage.startedAt === undefined ? 0 : ((stage.endedAt ?? lastAt) - stage.startedAt) / 1000;
  const cases = (stage.assessment?.checks ?? []).map((check) => checkCase(stage, check));
  const red = cases.some(({ outcome }) => outcome === 'failure' || outcome === 'error');
  // A stage may be red without a red check: not reached, generator invalid, nothing required.
  if (stage.verdict !== 'pass' && !red) cases.push(stageCase(stage));
  return { name: stage.name, startedAt: stage.startedAt, seconds, cases };
}

function stageCase(stage: StageModel): TestCase {
  const message = stageReason(stage);
  return {
    name: 'verdict',
    seconds: 0,
    outcome: stage.verdict === 'fail' ? 'failure' : 'error',
    type: stage.verdict.toUpperCase(),
    message,
    body: [message, causeText(stage)].filter(Boolean).join('\n'),
  };
}

function checkCase(stage: StageModel, check: CheckResult): TestCase {
  const outcome = check.required ? OUTCOME[check.verdict] : 'pass';
  const causes = outcome === 'failure' ? causeText(stage) : '';
  return {
    name: `${check.name} at ${vantageTitle[check.vantagePoint].toLowerCase()}`,
    seconds: (check.decidedAt ?? stage.lastLook?.at ?? 0) / 1000,
    outcome,
    type: outcome === 'failure' ? (stage.causes[0]?.code ?? 'FAIL') : check.verdict.toUpperCase(),
    message: check.reason,
    body: [
      check.required ? check.reason : `accounted for only, ${check.verdict}: ${check.reason}`,
      check.statistics && `statistics: ${check.statistics}`,
      causes,
    ]
      .filter(Boolean)
      .join('\n'),
  };
}

const OUTCOME: Readonly<Record<Verdict, TestCase['outcome']>> = {
  pass: 'pass',
  fail: 'failure',
  inconclusive: 'error',
  'no-data': 'error',
  'not-applicable': 'skipped',
};

const causeText = (stage: StageModel) =>
  stage.causes
    .map((cause) => {
      const place = cause.place ? ` (${cause.place})` : '';
      return `${cause.code}: ${cause.object} ${cause.field}: found ${cause.found}; expected ${cause.expected}${place}\nfix: ${cause.fix}`;
    })
    .join('\n');

/** What went wrong with the run itself and belongs to no stage. */
function runSuite(run: RunModel): Suite[] {
  const error = (name: string, type: string, message: string, body = message): TestCase => ({
    name,
    seconds: 0,
    outcome: 'error',
    type,
    message,
    body,
  });
  const cases: TestCase[] = [];
  if (run.failure) {
    const { code, message, hint } = run.failure;
    cases.push(error('run', code, message, [message, hint].filter(Boolean).join('\n')));
  }
  if (run.interrupted) cases.push(error('run to its end', run.interrupted, run.headline));
  else if (!run.finished && !run.failure)
    cases.push(error('run to its end', run.cutLine === undefined ? 'CRASHED' : 'CUT', run.headline));
  for (const { object, note } of leftBehind(run)) {
    cases.push(error(`restore ${object}`, 'NOT_RESTORED', note || 'could not be put back'));
  }
  return cases.length > 0 ? [{ name: 'run', startedAt: run.startedAt, seconds: 0, cases }] : [];
}

function totals(cases: readonly TestCase[]) {
  const number = (outcome: TestCase['outcome']) => cases.filter((one) => one.outcome === outcome).length;
  return { tests: cases.length, failures: number('failure'), errors: number('error'), skipped: number('skipped') };
}

const decimal3 = (seconds: number) => seconds.toFixed(3);
