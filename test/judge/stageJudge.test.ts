import { describe, expect, test } from 'vitest';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { CheckResult, Look, StageAssessment, Verdict } from '../../src/judge/types.js';
import type { Scenario, Stage } from '../../src/scenario/types.js';
import { agreed, look, lost, mirror, saw, scenario, share, stage } from '../support/judge.js';

const canary = stage(share({ v2: 0.1 }));
const dark = stage(share({ v2: 0 }), { name: 'dark' });
const mirrored = stage({ ...share({ v2: 0 }), ...mirror({ v2: 1 }) }, { name: 'mirror' });
const errors = (max: number) => stage({ ...share({ v2: 0.1 }), errors: { max: max as never } });

function judge(promise: Stage, looks: readonly Look[], changes: Partial<Scenario> = {}): StageAssessment {
  const running = new StageJudge(scenario([promise], changes), promise);
  return looks.map((each) => running.look(each)).at(-1) as StageAssessment;
}

const check = (assessment: StageAssessment, name: string, point: string): CheckResult =>
  assessment.checks.find((each) => each.name === name && each.vantagePoint === point) as CheckResult;

const settled = true;
const client = (v1: number, v2: number) => saw('client', { v1, v2 });
const source = (v1: number, v2: number) => saw('source', { v1, v2 });

interface Row {
  readonly says: string;
  readonly promise: Stage;
  readonly looks: readonly Look[];
  readonly verdict: Verdict;
  readonly decided?: boolean;
  readonly scenario?: Partial<Scenario>;
}

const rows: readonly Row[] = [
  {
    says: 'a canary that gets its tenth passes at both places that decide',
    promise: canary,
    looks: [agreed(9000, 1000)],
    verdict: 'pass',
  },
  { says: 'a canary that gets a quarter is refuted', promise: canary, looks: [agreed(1199, 402)], verdict: 'fail' },
  { says: 'a canary that gets nothing is refuted', promise: canary, looks: [agreed(400, 0)], verdict: 'fail' },
  {
    says: 'a few requests decide nothing',
    promise: canary,
    looks: [agreed(90, 10)],
    verdict: 'inconclusive',
    decided: false,
  },
  {
    says: 'a few requests at the end stay inconclusive',
    promise: canary,
    looks: [agreed(90, 10, settled)],
    verdict: 'inconclusive',
  },
  {
    says: 'a share between promise and margin gives up at the cap',
    promise: canary,
    looks: [look([client(8850, 1150), source(8850, 1150)])],
    verdict: 'inconclusive',
  },
  {
    says: 'no request at all is no data at the end',
    promise: canary,
    looks: [agreed(0, 0, settled)],
    verdict: 'no-data',
  },
  {
    says: 'no request yet decides nothing',
    promise: canary,
    looks: [agreed(0, 0)],
    verdict: 'inconclusive',
    decided: false,
  },
  {
    says: 'a source proxy lost until the end is no data although the client has passed',
    promise: canary,
    looks: [look([client(9000, 1000), lost('source')], settled)],
    verdict: 'no-data',
  },
  {
    says: 'a source proxy lost and back in time passes',
    promise: canary,
    looks: [look([client(9000, 1000), lost('source')]), agreed(9000, 1000, settled)],
    verdict: 'pass',
  },
  {
    says: 'a refuted client outweighs a lost source',
    promise: canary,
    looks: [look([client(750, 250), lost('source')], settled)],
    verdict: 'fail',
  },
  {
    says: 'a passed source stays passed when it is lost afterwards',
    promise: canary,
    looks: [look([client(9000, 1000), source(9000, 1000)]), look([client(9100, 1010), lost('source')], settled)],
    verdict: 'pass',
  },
  {
    says: 'without a marker the source alone decides',
    promise: canary,
    looks: [look([saw('client', {}, { unmarked: 9000 }), source(9000, 1000)])],
    verdict: 'pass',
    scenario: { marker: undefined },
  },
  {
    says: 'without a marker and without a call of the service there is no data',
    promise: canary,
    looks: [look([saw('client', {}, { unmarked: 9000 }), source(0, 0)], settled)],
    verdict: 'no-data',
    scenario: { marker: undefined },
  },
  {
    says: 'a stage whose required checks cannot apply is never green',
    promise: canary,
    looks: [look([saw('client', {}, { unmarked: 9000 }), source(9000, 1000)], settled)],
    verdict: 'inconclusive',
    scenario: { marker: undefined, watch: { client: 'require', source: 'account', destination: 'off', graph: 'off' } },
  },
  {
    says: 'calls to a version without endpoints leave its share empty, which refutes the canary',
    promise: canary,
    looks: [look([client(500, 0), saw('source', { v1: 900 }, { unknown: [100, 100], responses: { '503 UH': 100 } })])],
    verdict: 'fail',
  },
  {
    says: 'calls of which none reached any version refute a share',
    promise: canary,
    looks: [look([saw('client', {}, { failed: 500 }), saw('source', {}, { unknown: [3000, 3000] })], settled)],
    verdict: 'fail',
  },
  { says: 'one answer of v2 refutes a dark release', promise: dark, looks: [agreed(400, 2)], verdict: 'fail' },
  {
    says: '917 clean answers at client and source let the window close',
    promise: dark,
    looks: [agreed(1834, 0)],
    verdict: 'inconclusive',
    decided: true,
  },
  {
    says: '916 clean answers at the client do not',
    promise: dark,
    looks: [agreed(1832, 0)],
    verdict: 'inconclusive',
    decided: false,
  },
  {
    says: 'a dark release passes by settled counts',
    promise: dark,
    looks: [agreed(1834, 0), agreed(1900, 0, settled)],
    verdict: 'pass',
  },
  {
    says: 'a late answer of v2 still refutes a dark release',
    promise: dark,
    looks: [agreed(1834, 0), agreed(5000, 2, settled)],
    verdict: 'fail',
  },
  {
    says: 'a certified dark release survives a source that is lost at the very end',
    promise: dark,
    looks: [agreed(1834, 0), look([client(950, 0), lost('source')], settled)],
    verdict: 'pass',
  },
  {
    says: 'all to v1 is the same promise as none to v2',
    promise: stage(share({ v1: 1 })),
    looks: [agreed(1834, 0), agreed(2000, 0, settled)],
    verdict: 'pass',
  },
  {
    says: 'all to v1 is refuted by one answer of v2',
    promise: stage(share({ v1: 1 })),
    looks: [agreed(1834, 2)],
    verdict: 'fail',
  },
];

describe('stage verdicts', () => {
  test.each(rows)('$says', (row) => {
    const assessment = judge(row.promise, row.looks, row.scenario);
    expect(assessment.verdict, assessment.checks.map((each) => each.reason).join('\n')).toBe(row.verdict);
    expect(assessment.decided).toBe(row.decided ?? true);
  });
});

describe('the mirror claim', () => {
  const mirrorLook = (primaries: number, copies: number, done = false, resets = 0) =>
    look(
      [
        client(primaries, 0),
        source(primaries, 0),
        saw('destination', { v1: primaries, v2: copies }, { frontDoor: primaries, resets }),
        saw('graph', { v1: primaries, v2: copies }, { rounding: 3 }),
      ],
      done,
    );

  test.each([
    {
      says: 'a copy of every primary passes by settled counts',
      looks: [mirrorLook(1000, 990), mirrorLook(1000, 1000, settled)],
      verdict: 'pass',
    },
    {
      says: 'one missing copy of settled counts refutes it',
      looks: [mirrorLook(1000, 990), mirrorLook(1000, 999, settled)],
      verdict: 'fail',
    },
    { says: 'missing copies in an open window are only late', looks: [mirrorLook(1000, 700)], verdict: 'inconclusive' },
    { says: 'no copy at all is refuted by settled counts', looks: [mirrorLook(1000, 0, settled)], verdict: 'fail' },
    { says: 'too few primaries are inconclusive', looks: [mirrorLook(500, 500, settled)], verdict: 'inconclusive' },
    {
      says: 'a missing copy after a proxy restarted proves nothing',
      looks: [mirrorLook(2000, 1999, settled, 1)],
      verdict: 'inconclusive',
    },
    { says: 'many missing copies refute it even then', looks: [mirrorLook(2000, 1000, settled, 1)], verdict: 'fail' },
  ])('$says', ({ looks, verdict }) => {
    expect(check(judge(mirrored, looks), 'mirror:v2', 'destination').verdict).toBe(verdict);
  });

  test('the window may close as soon as the settled counts can decide', () => {
    expect(judge(mirrored, [mirrorLook(916, 916)]).decided).toBe(false);
    expect(judge(mirrored, [mirrorLook(917, 900)]).decided).toBe(true);
  });

  test('a destination that is not watched makes the promise unverifiable', () => {
    const watch = { client: 'require', source: 'require', destination: 'off', graph: 'off' } as const;
    const assessment = judge(mirrored, [mirrorLook(2000, 2000, settled)], { watch });
    expect(assessment.verdict).toBe('no-data');
    expect(check(assessment, 'mirror:v2', 'destination').reason).toContain('does not watch the destination proxy');
  });

  test('a third of the calls copied is decided by the gate, and a half refutes it', () => {
    const third = stage(mirror({ v2: 0.35 }));
    expect(judge(third, [mirrorLook(20_000, 7000, settled)]).verdict).toBe('pass');
    expect(judge(third, [mirrorLook(20_000, 10_000, settled)]).verdict).toBe('fail');
  });
});

describe('errors', () => {
  const withErrors = (v1: readonly [number, number], v2: readonly [number, number], unknown = 0) =>
    look([client(9000, 1000), saw('source', { v1, v2 }, { unknown: [unknown, unknown] })]);

  test.each([
    {
      says: 'a version that always fails refutes them although its share is right',
      max: 0.005,
      seen: withErrors([9000, 0], [1000, 1000]),
      verdict: 'fail',
    },
    {
      says: 'calls that reach no version are failures too',
      max: 0.005,
      seen: withErrors([9000, 0], [1000, 0], 400),
      verdict: 'fail',
    },
    { says: 'none among thousands passes', max: 0.005, seen: withErrors([9000, 0], [1000, 0]), verdict: 'pass' },
    {
      says: 'a rate between the maximum and its double stays open',
      max: 0.005,
      seen: withErrors([9000, 60], [1000, 8]),
      verdict: 'inconclusive',
    },
    { says: 'one failure refutes a maximum of zero', max: 0, seen: withErrors([9000, 1], [1000, 0]), verdict: 'fail' },
    { says: 'clean calls pass a maximum of zero', max: 0, seen: withErrors([9000, 0], [1000, 0]), verdict: 'pass' },
  ])('$says', ({ max, seen, verdict }) => {
    expect(check(judge(errors(max), [seen]), 'errors', 'source').verdict).toBe(verdict);
  });
});
