import { describe, expect, test } from 'vitest';
import { ruleFor } from '../../src/judge/requirements.js';
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
    says: 'no request yet is no data that may still come',
    promise: canary,
    looks: [agreed(0, 0)],
    verdict: 'no-data',
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
    says: '917 clean answers at client and source certify a dark release',
    promise: dark,
    looks: [agreed(1834, 0)],
    verdict: 'pass',
  },
  {
    says: '916 clean answers at the client do not',
    promise: dark,
    looks: [agreed(1832, 0)],
    verdict: 'inconclusive',
    decided: false,
  },
  {
    says: 'a certified dark release stays certified',
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

describe('the anytime p-value', () => {
  test('is one over the largest evidence of all looks, and stays when later looks speak for the promise', () => {
    const gate = ruleFor({ kind: 'gate', share: 0.1, margin: 0.03, alpha: 0.0001, beta: 0.0001 });
    const pValue = (looks: readonly Look[]) => check(judge(canary, looks), 'share:v2', 'source').pValue;
    const high = pValue([agreed(850, 150)]) as number;
    expect(high).toBeCloseTo(Math.min(1, Math.exp(-gate.lnEvidence(150, 1000))), 9);
    expect(high).toBeLessThan(1);
    expect(pValue([agreed(850, 150), agreed(1820, 180)])).toBe(high);
    expect(pValue([agreed(900, 100)])).toBe(1);
  });

  test('of a promised none is 1 until a request goes astray, then 0', () => {
    expect(check(judge(dark, [agreed(500, 0)]), 'share:v2', 'source').pValue).toBe(1);
    expect(check(judge(dark, [agreed(500, 0), agreed(600, 1)]), 'share:v2', 'source').pValue).toBe(0);
  });

  test('accounts have none', () => {
    expect(check(judge(canary, [agreed(9000, 1000)]), 'share:v2', 'graph').pValue).toBeUndefined();
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

  const answersLost = (failed: number) =>
    look([
      saw(
        'client',
        { v1: 9000, v2: 1000 },
        {
          failed,
          byUri: [
            { uri: 'GET /', versions: {}, unmarked: 0, failed: 0 },
            { uri: 'GET /Orders', versions: { v1: 9000, v2: 1000 }, unmarked: 0, failed },
          ],
        },
      ),
      source(18_000, 2000),
    ]);
  const told = (promise: Stage, failed: number) =>
    judge(promise, [answersLost(failed)]).findings.find(({ code }) => code === 'CLIENT_FAILURES')?.message;

  test('users whose requests fail without a failed call are told of beside the verdict', () => {
    expect(told(errors(0.005), 10_000)).toBe(
      '10,000 of 20,000 answers to the client failed, 50 %, and 0 calls of the service; at most 0.5 % of the calls may. Most: GET /Orders (10,000).',
    );
  });

  test('as many failures at the client as calls may fail, or a stage that promises nothing of errors, are nothing to tell', () => {
    expect(told(errors(0.005), 50)).toBeUndefined();
    expect(told(canary, 10_000)).toBeUndefined();
  });
});

describe('windows that are never settled, because others send the load', () => {
  const open = (at: number, primaries: number, copies: number) =>
    look([client(primaries, 0), source(primaries, 0), saw('destination', { v1: primaries, v2: copies })], false, at);

  test('missing copies refute a mirror once even late ones could not make them up', () => {
    const early = judge(mirrored, [open(1000, 100, 0), open(29_000, 2900, 0)]);
    expect(check(early, 'mirror:v2', 'destination').verdict).toBe('inconclusive');
    const looks = Array.from({ length: 100 }, (_, second) => open(second * 1000, second * 100, 0));
    expect(check(judge(mirrored, looks), 'mirror:v2', 'destination').verdict).toBe('fail');
  });

  test('a few late copies refute nothing', () => {
    const looks = Array.from({ length: 100 }, (_, second) =>
      open(second * 1000, second * 100, Math.max(0, second * 100 - 150)),
    );
    expect(check(judge(mirrored, looks), 'mirror:v2', 'destination').verdict).toBe('inconclusive');
  });
});

describe('the dark rule at the client', () => {
  const uris = (first: number, second: number, astray = 0) => [
    { uri: '/', versions: {}, unmarked: 500, failed: 0 },
    { uri: '/CustomerManagement/Details/1', versions: { v1: first }, unmarked: 0, failed: 0 },
    { uri: '/CustomerManagement/Details/1', versions: { v1: first }, unmarked: 0, failed: 0 },
    { uri: '/CustomerManagement/Details/2', versions: { v1: second - astray, v2: astray }, unmarked: 0, failed: 0 },
  ];
  const seen = (first: number, second: number, astray = 0) =>
    look([
      saw('client', { v1: 2 * first + second - astray, v2: astray }, { byUri: uris(first, second, astray) }),
      source(9000, 0),
    ]);

  test('asks for clean answers of every marker URI, counted once however often the list names it', () => {
    const short = check(judge(dark, [seen(459, 916)]), 'share:v2', 'client');
    expect(short).toMatchObject({ verdict: 'inconclusive', need: 1 });
    expect(check(judge(dark, [seen(459, 917)]), 'share:v2', 'client').verdict).toBe('pass');
    expect(check(judge(dark, [seen(458, 5000)]), 'share:v2', 'client')).toMatchObject({
      verdict: 'inconclusive',
      need: 1,
    });
  });

  test('names the URI that was answered by the wrong version', () => {
    const refuted = check(judge(dark, [seen(1000, 1000, 3)]), 'share:v2', 'client');
    expect(refuted).toMatchObject({ verdict: 'fail', observed: { count: 3, total: 3000 } });
    expect(refuted.reason).toContain(
      '3 of 3,000 marked answers came from v2, for instance at /CustomerManagement/Details/2',
    );
  });
});

describe('what a check result says', () => {
  test('a refuted share comes with its interval and a sentence', () => {
    const result = check(judge(canary, [agreed(1199, 402)]), 'share:v2', 'source');
    expect(result.observed).toMatchObject({ count: 402, total: 1601 });
    expect(result.observed?.low).toBeGreaterThan(0.18);
    expect(result.observed?.high).toBeLessThan(0.32);
    expect(result.decidedAt).toBe(1000);
    expect(result.reason).toBe(
      '402 of 1,601 calls went to v2: 25.1 % (between 19.6 % and 31.2 %); 10 % ± 3 % was promised and is refuted at error rate 0.0033 %.',
    );
  });

  test('the error rate is split over the required checks of all stages', () => {
    const stages = [canary, dark, mirrored];
    const running = new StageJudge(scenario(stages), canary);
    // Three stages with a share at client and source, the proxies of the canary, and one mirror claim.
    expect(running.look(agreed(10, 1)).checks.map((each) => each.errorRate)).toEqual(new Array(4).fill(0.0001 / 8));
  });

  test('an undecided check says how far it is and about how many requests it needs', () => {
    const first = check(judge(canary, [agreed(450, 50)]), 'share:v2', 'source');
    const second = check(judge(canary, [agreed(900, 100)]), 'share:v2', 'source');
    expect(first.progress).toBeGreaterThan(0);
    expect(second.progress).toBeGreaterThan(first.progress);
    expect(second.need).toBeLessThan(first.need as number);
  });
});

describe('findings', () => {
  const codes = (assessment: StageAssessment) => assessment.findings.map((finding) => finding.code);

  test('a run in which all is well has none', () => {
    expect(codes(judge(canary, [agreed(9000, 1000), agreed(9100, 1010, settled)]))).toEqual([]);
  });

  test('a destination that contradicts the source is told, but decides nothing', () => {
    const seen = look([client(9000, 1000), source(9000, 1000), saw('destination', { v1: 9000, v2: 4000 })], settled);
    const assessment = judge(canary, [seen]);
    expect(assessment.verdict).toBe('pass');
    expect(codes(assessment)).toEqual(['CONTRADICTION', 'LEDGER_CONTRADICTION']);
  });

  test.each([
    { says: 'stretched rates of a version that began in the window are no contradiction', v2: 2250, told: [] },
    { says: 'rates beyond all stretching are one', v2: 2700, told: ['CONTRADICTION', 'LEDGER_CONTRADICTION'] },
  ])('$says', ({ v2, told }) => {
    const seen = look(
      [
        client(2000, 0),
        source(2000, 0),
        saw('destination', { v1: 2000, v2: 2000 }),
        saw('graph', { v1: 2000, v2 }, { rounding: 3, extrapolation: 0.15 }),
      ],
      settled,
    );
    expect(codes(judge(mirrored, [seen]))).toEqual(told);
  });

  test('mirror copies that the stage promises are no contradiction', () => {
    const seen = look(
      [
        client(2000, 0),
        source(2000, 0),
        saw('destination', { v1: 2000, v2: 2000 }),
        saw('graph', { v1: 2000, v2: 2000 }, { rounding: 3 }),
      ],
      settled,
    );
    const assessment = judge(mirrored, [seen]);
    expect(assessment.verdict).toBe('pass');
    expect(codes(assessment)).toEqual([]);
  });

  test('a share that changed after it was decided is told', () => {
    const assessment = judge(canary, [agreed(9000, 1000), agreed(9000, 9000, settled)]);
    expect(assessment.verdict).toBe('pass');
    expect(codes(assessment)).toEqual(['SHARE_CHANGED', 'SHARE_CHANGED']);
  });

  test('calls that reached no version are told with their status and flags', () => {
    const seen = look([
      client(4500, 0),
      saw('source', { v1: 9000 }, { unknown: [1000, 1000], responses: { '200 -': 9000, '503 UH': 1000 } }),
    ]);
    const finding = judge(canary, [seen]).findings.find((each) => each.code === 'NO_VERSION_REACHED');
    expect(finding?.message).toBe('1,000 calls at the source proxy, 10 % of all, reached no version (503 UH: 1,000).');
  });
});

describe('purity', () => {
  const deepFreeze = <T>(value: T): T => {
    if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
      Object.freeze(value);
      Object.values(value).forEach(deepFreeze);
    }
    return value;
  };
  const looks = [
    agreed(0, 0, false, 0),
    agreed(90, 10, false, 1000),
    agreed(4500, 500, false, 2000),
    agreed(9000, 1000, settled, 3000),
  ];

  test('changes nothing that it is given, and says the same again', () => {
    const frozen = deepFreeze(scenario([canary, mirrored]));
    const walk = () => {
      const running = new StageJudge(frozen, canary);
      return deepFreeze(looks).map((each) => running.look(each));
    };
    expect(walk()).toEqual(walk());
  });

  test('says the same of a scenario and looks that went through a journal', () => {
    const whole = scenario([canary, mirrored]);
    const copy = JSON.parse(JSON.stringify(whole)) as Scenario;
    const direct = new StageJudge(whole, canary);
    const replayed = new StageJudge(copy, copy.stages[0] as Stage);
    for (const each of looks) {
      expect(replayed.look(JSON.parse(JSON.stringify(each)))).toEqual(direct.look(each));
    }
  });

  test('looks in between that decide nothing do not change the verdict', () => {
    const last = looks.at(-1) as Look;
    expect(judge(canary, looks.slice(0, 2).concat(last)).checks.map((each) => each.verdict)).toEqual(
      judge(canary, [last]).checks.map((each) => each.verdict),
    );
  });
});
