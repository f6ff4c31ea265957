import { describe, expect, test } from 'vitest';
import type { CheckResult, StageAssessment, Verdict } from '../../src/judge/types.js';
import { runVerdict, stageVerdict, underInvalidGenerator } from '../../src/judge/verdict.js';

const check = (verdict: Verdict, required = true): CheckResult => ({
  name: 'share:v2',
  vantagePoint: 'source',
  required,
  verdict,
  expected: {},
  observed: undefined,
  errorRate: 0.0001,
  reason: '',
  decided: true,
  progress: 0,
});

describe('a stage', () => {
  test.each<[string, CheckResult[], Verdict]>([
    ['passes when every required check does', [check('pass'), check('pass')], 'pass'],
    ['fails when one required check does', [check('pass'), check('no-data'), check('fail')], 'fail'],
    [
      'has no data when one required check has none',
      [check('pass'), check('inconclusive'), check('no-data')],
      'no-data',
    ],
    ['is inconclusive when one required check is', [check('pass'), check('inconclusive')], 'inconclusive'],
    ['does not ask accounts', [check('pass'), check('fail', false)], 'pass'],
    ['does not ask what is not applicable', [check('pass'), check('not-applicable')], 'pass'],
    ['is never green without a required check that passed', [check('pass', false)], 'inconclusive'],
    ['is never green when nothing is applicable', [check('not-applicable')], 'inconclusive'],
    ['is never green without checks', [], 'inconclusive'],
  ])('%s', (_says, checks, verdict) => {
    expect(stageVerdict(checks)).toBe(verdict);
  });
});

describe('a run', () => {
  const calm = { generatorValid: true, interrupted: false } as const;
  test.each<[string, Verdict[], Parameters<typeof runVerdict>[1], Verdict, number]>([
    ['passes with 0', ['pass', 'pass'], calm, 'pass', 0],
    ['fails with 1', ['pass', 'no-data', 'fail'], calm, 'fail', 1],
    ['without data ends with 2', ['pass', 'no-data', 'inconclusive'], calm, 'no-data', 2],
    ['inconclusive ends with 2', ['pass', 'inconclusive'], calm, 'inconclusive', 2],
    ['without stages is no data', [], calm, 'no-data', 2],
    [
      'whose generator was the bottleneck never passes',
      ['pass'],
      { ...calm, generatorValid: false },
      'inconclusive',
      2,
    ],
    ['whose generator was the bottleneck still fails', ['fail'], { ...calm, generatorValid: false }, 'fail', 1],
    ['that was interrupted never passes and says so', ['pass'], { ...calm, interrupted: true }, 'inconclusive', 130],
    ['that was terminated keeps its fail', ['fail'], { ...calm, interrupted: 'SIGTERM' }, 'fail', 143],
  ])('%s', (_says, stages, circumstances, verdict, exitCode) => {
    expect(runVerdict(stages, circumstances)).toEqual({ verdict, exitCode });
  });
});

test('a limit that was broken while the generator itself was late is not refuted; what proxies counted is', () => {
  const late: CheckResult = {
    ...check('fail'),
    expected: { percentile: 'p95', limitMs: 800, max: 0.05 },
    reason: 'p95 is 900 ms.',
  };
  const assessment = {
    verdict: 'fail',
    decided: true,
    checks: [late, check('pass')],
    findings: [],
  } as unknown as StageAssessment;
  const trusted = underInvalidGenerator(assessment);
  expect(trusted.verdict).toBe('inconclusive');
  expect(trusted.checks[0]?.reason).toBe(
    'p95 is 900 ms; but the load generator was late itself, which is in these times.',
  );
  expect(underInvalidGenerator({ ...assessment, checks: [late, check('fail')] }).verdict).toBe('fail');
});
