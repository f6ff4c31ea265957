import { describe, expect, it, test } from 'vitest';
import { diagnose } from '../../src/judge/causes.js';
import { decidedOutcome } from '../../src/judge/outcome.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { CheckPlan, CheckResult, Look, StageAssessment } from '../../src/judge/types.js';
import type { UnitContext } from '../../src/judge/unit/context.js';
import { onUnit } from '../../src/judge/unit/onUnit.js';
import type { Observation } from '../../src/observe/types.js';
import type { Stage } from '../../src/scenario/types.js';
import { look, mirror, saw, scenario, share, stage } from '../support/judge.js';
import { type PitstopObjects, pitstopLive, weights } from '../support/judgeObjects.js';

const canary = stage(share({ v2: 0.1 }));
const even = stage(
  { ...share({ v2: 0.5 }), by: 'balancing' },
  { name: 'even', precision: { margin: 0.05 as never, errorRate: 0.0001 as never, absence: 0.01 as never } },
);

function judge(promise: Stage, live: PitstopObjects | undefined, looks: readonly Look[]): StageAssessment {
  const running = new StageJudge(scenario([promise]), promise, live ? pitstopLive(live) : []);
  return looks.map((each) => running.look(each)).at(-1) as StageAssessment;
}

const at = (assessment: StageAssessment, point: string): CheckResult =>
  assessment.checks.find((each) => each.name === 'share:v2' && each.vantagePoint === point) as CheckResult;
const codes = (assessment: StageAssessment): string[] => assessment.findings.map(({ code }) => code);

type Good = Extract<Observation, { status: 'ok' }>;
const seen = (
  v1: number,
  v2: number,
  source: Partial<Good> = {},
  client: Partial<Good> = {},
  settled = false,
  calls: readonly [number, number] = [v1, v2],
): Look =>
  look(
    [
      { ...(saw('client', { v1, v2 }) as Good), ...client },
      { ...(saw('source', { v1: calls[0], v2: calls[1] }) as Good), ...source },
      saw('destination', { v1: calls[0], v2: calls[1] }),
      saw('graph', { v1: calls[0], v2: calls[1] }, { rounding: 3 }),
    ],
    settled,
  );

const BY_USER = '{consistentHash: {httpHeaderName: x-user}}';
const BY_ADDRESS = '{consistentHash: {useSourceIp: true}}';

describe('the unit of choice', () => {
  test.each([
    ['weights', { http: weights(90, 10) }, 'request', 'objects', 'drawn by route weights'],
    [
      'weights with consistentHash',
      { http: weights(90, 10), balancer: BY_USER },
      'request',
      'objects',
      'route weights',
    ],
    ['balancing', {}, 'request', 'objects', 'balanced over ready pods'],
    ['consistentHash without a route', { balancer: BY_USER }, 'client', 'objects', 'same header x-user'],
    ['a port named tcp', { port: 'tcp-api' }, 'connection', 'objects', 'port tcp-api is routed as TCP'],
    ['objects that nobody knows', undefined, 'unknown', 'none', 'not observable'],
  ] as const)('%s', (_says, live, unit, evidence, words) => {
    const { granularity } = judge(canary, live, [seen(900, 100)]);
    expect(granularity).toMatchObject({ unit, evidence, sentence: expect.stringContaining(words) });
  });
});

describe('consistentHash', () => {
  it('beside weights changes nothing: the version is still drawn per request, and the canary passes', () => {
    const assessment = judge(canary, { http: weights(90, 10), balancer: BY_USER }, [seen(9000, 1000)]);
    expect(assessment.verdict).toBe('pass');
    expect(codes(assessment)).not.toContain('UNIT_NOT_REQUEST');
  });

  test.each([
    ['one client that hashes to v1', 3000, 0],
    ['shares that look right', 1500, 1500],
  ])('at the even stage gives no verdict on requests: %s', (_says, v1, v2) => {
    const assessment = judge(even, { balancer: BY_ADDRESS }, [seen(v1, v2)]);
    expect(assessment).toMatchObject({ verdict: 'inconclusive', decided: true });
    expect(at(assessment, 'source').reason).toBe(
      'The version is drawn per client: consistentHash sends all of one client address to one pod. 3,000 requests are then no 3,000 draws, and no share is judged on them. Fresh connections of the load would not help: a new connection comes from the same address. It takes many callers, or a stage without the hash policy.',
    );
    expect(codes(assessment)).toContain('UNIT_NOT_REQUEST');
  });

  it('cannot excuse a request where none may go', () => {
    const dark = stage(share({ v2: 0 }), { name: 'dark' });
    expect(judge(dark, { balancer: BY_ADDRESS }, [seen(300, 1)]).verdict).toBe('fail');
    expect(judge(dark, { balancer: BY_ADDRESS }, [seen(3000, 0)]).verdict).toBe('inconclusive');
    expect(judge(dark, { balancer: BY_ADDRESS, replicas: [1, 0] }, [seen(3000, 0)]).verdict).toBe('pass');
  });
});

describe('a port that is routed as TCP', () => {
  const nothing = [0, 0] as const;
  const opened = (v1: number, v2: number) => ({ connections: { v1, v2 } });

  it('is judged on connections, and says how many it takes', () => {
    const assessment = judge(even, { port: 'tcp' }, [seen(300, 500, opened(4, 6), {}, false, nothing)]);
    expect(assessment.verdict).toBe('inconclusive');
    const { reason, observed, need } = at(assessment, 'source');
    expect(observed).toMatchObject({ count: 6, total: 10 });
    expect(need).toBeGreaterThan(1000);
    expect(reason).toMatch(/^The version is drawn per connection: /);
    expect(reason).toContain('6 of 10 connections went to v2');
    expect(reason).toMatch(/At 80 requests a connection that is about [\d,]+ requests/);
    expect(at(assessment, 'client')).toMatchObject({ verdict: 'not-applicable' });
  });

  it('passes on connections', () => {
    const assessment = judge(even, { port: 'tcp' }, [seen(9000, 9000, opened(4500, 4500), {}, false, nothing)]);
    expect(at(assessment, 'source').verdict).toBe('pass');
    expect(assessment.verdict).toBe('pass');
  });

  it('never on requests, however many there are: two connections of which both go to v2', () => {
    const assessment = judge(even, { port: 'tcp' }, [seen(0, 20_000, opened(0, 2), {}, true, nothing)]);
    expect(assessment.verdict).toBe('inconclusive');
  });

  it('is seen in the series where the objects are not known', () => {
    const { granularity } = judge(even, undefined, [seen(300, 500, opened(1, 2), {}, false, nothing)]);
    expect(granularity).toMatchObject({ unit: 'connection', evidence: 'series' });
  });

  it('without a new connection has nothing to judge, and says so', () => {
    const assessment = judge(even, { port: 'tcp' }, [seen(300, 500, opened(0, 0), {}, true, nothing)]);
    expect(at(assessment, 'source')).toMatchObject({ verdict: 'inconclusive', observed: undefined });
    expect(at(assessment, 'source').reason).toContain('None was opened while it was counted');
  });

  it('hides failures, which is no pass', () => {
    const promise = stage({ ...even.expect, errors: { max: 0.005 as never } }, { precision: even.precision });
    const assessment = judge(promise, { port: 'tcp' }, [seen(9000, 9000, opened(4500, 4500), {}, true, nothing)]);
    expect(assessment.checks.find(({ name }) => name === 'errors')).toMatchObject({ verdict: 'inconclusive' });
    expect(assessment.verdict).toBe('inconclusive');
  });
});

describe('connections that a gateway draws', () => {
  const unit = {
    granularity: {
      unit: 'connection',
      evidence: 'objects',
      sentence: 'The version is drawn per connection.',
      fresh: { helps: true, why: '' },
    },
    choice: { gateway: true },
  } as unknown as UnitContext;
  const plan = { name: 'share:v2', vantagePoint: 'client', rule: 'share' } as unknown as CheckPlan;
  const never = () => {
    throw new Error('nothing is judged on requests');
  };
  const connections = () => decidedOutcome('pass', 'Judged on connections.', undefined);
  const evaluate = onUnit(plan, unit, { requests: never, connections }, []);

  it('are judged where the engine tells them, and not applicable where it does not, as with k6', () => {
    const clientConnections = { pairs: 0, agreeing: 0, first: { v1: 9, v2: 1 } };
    expect(evaluate(seen(90, 10, {}, { clientConnections }))).toMatchObject({ verdict: 'pass' });
    expect(evaluate(seen(90, 10))).toMatchObject({
      verdict: 'not-applicable',
      reason:
        "The version is drawn per connection. Not judged here: the load's engine does not tell its connections, as the node engine would.",
    });
  });
});

describe('what is seen beats what the objects say', () => {
  const pairs = (all: number, agreeing: number) => ({
    clientConnections: { pairs: all, agreeing, first: { v1: 18, v2: 2 } },
  });

  it('answers on a connection that never change refute a draw per request', () => {
    const assessment = judge(canary, { http: weights(90, 10) }, [seen(900, 100, {}, pairs(980, 980))]);
    expect(assessment.granularity).toMatchObject({ unit: 'connection', evidence: 'connections' });
    expect(assessment.verdict).toBe('inconclusive');
    expect(at(assessment, 'client').reason).toContain(
      '980 of 980 pairs of consecutive answers on one connection agree',
    );
  });

  it("then the load's own connections are the draws, and are judged instead of requests", () => {
    const first = { clientConnections: { pairs: 980, agreeing: 980, first: { v1: 9000, v2: 1000 } } };
    const assessment = judge(canary, { http: weights(90, 10) }, [seen(9900, 1100, {}, first)]);
    expect(assessment.granularity.fresh).toMatchObject({ helps: true });
    expect(at(assessment, 'client')).toMatchObject({ verdict: 'pass', observed: { count: 1000, total: 10_000 } });
    expect(at(assessment, 'client').statistics).toMatch(/^n = 10,000 connections; /);
    expect(at(assessment, 'source')).toMatchObject({ verdict: 'not-applicable' });
    expect(at(assessment, 'source').reason).toMatch(/connections are counted at the client\.$/);
    expect(assessment.verdict).toBe('pass');
  });

  it('and stay so when the load opens connections anew, so that no more pairs come', () => {
    const first = (v1: number, v2: number) => ({ clientConnections: { pairs: 980, agreeing: 980, first: { v1, v2 } } });
    // The connections before were few, and happened to go to v2 too often: requests read 30 %.
    const looks = [seen(700, 300, {}, first(7, 3)), seen(90_700, 10_300, {}, first(900, 100))];
    const assessment = judge(canary, { http: weights(90, 10) }, looks);
    expect(assessment.granularity).toMatchObject({ unit: 'connection', evidence: 'connections' });
    expect(at(assessment, 'client').observed).toMatchObject({ count: 100, total: 1000 });
  });

  it('answers that change as draws do are no objection', () => {
    const assessment = judge(canary, { http: weights(90, 10) }, [seen(9000, 1000, {}, pairs(9800, 8036))]);
    expect(assessment.verdict).toBe('pass');
  });

  it('counts that vary too much take the verdict away where nothing else is known', () => {
    const random = [0, 60, 5, 0, 70, 0, 0, 55, 3, 0, 80, 0, 0, 4, 66, 0, 0, 0, 72, 0];
    let [v1, v2] = [0, 0];
    const looks = random.map((count) => {
      v2 += count;
      v1 += 200 - count;
      return seen(v1, v2);
    });
    const blind = judge(canary, undefined, looks);
    expect(blind.granularity).toMatchObject({ unit: 'group', evidence: 'dispersion' });
    const known = judge(canary, { http: weights(90, 10) }, looks);
    expect(known.granularity.unit).toBe('request');
    expect(codes(known)).toContain('SHARE_UNSTEADY');
  });
});

describe('a load that calls the Service itself', () => {
  const watch = { client: 'require', source: 'off', destination: 'account', graph: 'off' } as const;
  const direct = (
    promise: Stage,
    live: PitstopObjects,
    first: Record<string, number>,
    answers = [9000, 9000] as const,
  ) => {
    const { from: _from, ...rest } = scenario([promise], { watch });
    const objects = pitstopLive(live).map((object) =>
      object.kind === 'Service' && live.port === 'sticky'
        ? { ...object, spec: { ...object.spec, sessionAffinity: 'ClientIP' } }
        : object,
    );
    const client = {
      ...(saw('client', { v1: answers[0], v2: answers[1] }) as Good),
      clientConnections: { pairs: 0, agreeing: 0, first },
    };
    return new StageJudge(rest, promise, objects).look(look([client, saw('destination', {})]));
  };

  it('is judged on its own connections, whatever the objects make of the mesh', () => {
    const assessment = direct(even, { http: weights(90, 10) }, { v1: 3000, v2: 3000 });
    expect(assessment.granularity).toMatchObject({ unit: 'connection', evidence: 'objects', fresh: { helps: true } });
    expect(at(assessment, 'client')).toMatchObject({ verdict: 'pass', observed: { count: 3000, total: 6000 } });
    expect(at(assessment, 'client').reason).toMatch(
      /^The version is drawn per connection: the load calls the Service itself, and kube-proxy balances its connections\. 3,000 of 6,000 connections went to v2/,
    );
    expect(assessment.verdict).toBe('pass');
  });

  it('says how many requests the missing connections take at what it opens now', () => {
    const { reason } = at(direct(even, {}, { v1: 100, v2: 100 }), 'client');
    expect(reason).toMatch(/At 90 requests a connection that is about [\d,]+ requests/);
  });

  it('has no draws where the Service keeps a client at its pod', () => {
    const assessment = direct(even, { port: 'sticky' }, { v1: 3000, v2: 3000 });
    expect(assessment.granularity).toMatchObject({ unit: 'client', fresh: { helps: false } });
    expect(assessment.verdict).toBe('inconclusive');
    expect(assessment.findings.find(({ code }) => code === 'UNIT_NOT_REQUEST')?.message).toMatch(
      /sessionAffinity keeps a client at its pod\. Fresh connections of the load would not help: a new connection comes from the same address\.$/,
    );
  });
});

describe('balancing', () => {
  const steps = (each: readonly [number, number], count: number, source: Partial<Good> = {}) =>
    Array.from({ length: count }, (_, index) => seen(each[0] * (index + 1), each[1] * (index + 1), source));

  it('is recognised from the objects when the stage does not say it', () => {
    const promise = stage(share({ v2: 0.5 }), { precision: even.precision });
    const assessment = judge(promise, {}, steps([100, 100], 30));
    expect(codes(assessment)).toEqual(expect.arrayContaining(['BY_BALANCING', 'BALANCED_EVENLY']));
    expect(at(assessment, 'source').reason).toContain('50 % ± 5 % by balancing');
    expect(assessment.verdict).toBe('pass');
  });

  it('has a quiet band: a balancer that settles a little beside the pods is no alarm', () => {
    const assessment = judge(even, {}, [seen(50_600, 49_400, {}, {}, true)]);
    expect(assessment.verdict).toBe('pass');
  });

  it('where weights alternate, that is said: they are no weights', () => {
    const promise = stage(share({ v2: 0.5 }), { precision: even.precision });
    const assessment = judge(promise, { http: weights(50, 50) }, steps([100, 100], 30));
    expect(codes(assessment)).toContain('NOT_DRAWN_AT_RANDOM');
  });

  it('says when weights draw what was promised by balancing', () => {
    expect(codes(judge(even, { http: weights(50, 50) }, [seen(100, 100)]))).toContain('BY_WEIGHT');
  });

  const slow = { durations: { v1: { count: 680, sumMs: 3400 }, v2: { count: 320, sumMs: 8000 } } };

  it('names both latencies when they explain a drift', () => {
    const assessment = judge(even, {}, [seen(1360, 640, slow)]);
    expect(assessment.verdict).toBe('fail');
    expect(assessment.findings.find(({ code }) => code === 'LATENCY_DRIFT')?.message).toBe(
      'v2 takes 25 ms on average, the others 5.0 ms, and balancing by least requests prefers the faster: with these pods v2 gets between 50 % (idle proxies) and 25 % (busy ones). The 32 % seen is explained by that; no weight is wrong.',
    );
  });

  it('does not blame latencies for what they cannot do, or for what alternation cannot', () => {
    expect(codes(judge(even, {}, [seen(640, 1360, slow)]))).not.toContain('LATENCY_DRIFT');
    expect(codes(judge(even, { balancer: '{simple: ROUND_ROBIN}' }, [seen(1360, 640, slow)]))).not.toContain(
      'LATENCY_DRIFT',
    );
  });
});

describe('several caller proxies', () => {
  const proxies = (...counts: readonly (readonly [v1: number, v2: number])[]) => ({
    proxies: counts.map(([v1, v2], index) => ({ name: `webapp-${index}`, versions: { v1, v2 } })),
  });
  const looked = (...counts: readonly (readonly [number, number])[]) => {
    const [v1, v2] = [0, 1].map((of) => counts.reduce((sum, each) => sum + (each[of] as number), 0)) as [
      number,
      number,
    ];
    return seen(v1, v2, proxies(...counts));
  };
  const guard = (assessment: StageAssessment) => assessment.checks.find(({ name }) => name === 'proxies:v2');
  const live = { http: weights(90, 10), callers: 5 };

  it('one that is stale fails the stage and is named, although the sum keeps the promise', () => {
    const fresh = [462, 38] as const;
    const looks = [looked(fresh, fresh, fresh, [350, 150], fresh)];
    const assessment = judge(canary, live, looks);
    expect(at(assessment, 'source').observed?.share).toBeCloseTo(0.12, 2);
    expect(at(assessment, 'source').verdict).not.toBe('fail');
    expect(guard(assessment)).toMatchObject({
      verdict: 'fail',
      required: true,
      reason:
        'webapp-3 sends v2 30 % of its 500 calls, where the other 4 proxies of 5 send 7.6 %: it draws by other routes, as a proxy does that no longer follows the control plane.',
    });
    expect(assessment.verdict).toBe('fail');
    const causes = diagnose({
      scenario: scenario([canary]),
      stage: canary,
      objects: pitstopLive(live),
      assessment,
      observations: looks[0] as Look,
    });
    expect(causes).toContainEqual(
      expect.objectContaining({ code: 'PROXY_STALE', object: 'Pod/pitstop/webapp-3', expected: '10 %' }),
    );
  });

  it('that draw alike pass, and the pass says what it excludes', () => {
    const assessment = judge(canary, live, [looked([1800, 200], [1790, 210], [1810, 190], [1800, 200], [1805, 195])]);
    expect(guard(assessment)).toMatchObject({ verdict: 'pass' });
    expect(guard(assessment)?.reason).toMatch(
      /^5 proxies send v2 9\.5 % to 10\.5 %, .* off the promise by 4\.\d % or more is excluded at error rate 0\.01 %\.$/,
    );
    expect(assessment.verdict).toBe('pass');
  });

  describe('where a version must get nothing, or everything', () => {
    const back = stage(share({ v2: 0 }), { name: 'back' });
    const all = stage(share({ v2: 1 }), { name: 'all' });
    const judged = (promise: Stage, ...counts: readonly (readonly [number, number])[]) => {
      const last = looked(...counts);
      const assessment = judge(promise, { http: weights(100, 0), callers: 3 }, [{ ...last, settled: true }]);
      const objects = pitstopLive({ http: weights(100, 0), callers: 3 });
      const causes = diagnose({
        scenario: scenario([promise]),
        stage: promise,
        objects,
        assessment,
        observations: last,
      });
      return { assessment, stale: causes.filter(({ code }) => code === 'PROXY_STALE') };
    };

    it('the one that sends some astray is named', () => {
      const { assessment, stale } = judged(back, [500, 0], [450, 50], [500, 0]);
      expect(assessment.verdict).toBe('fail');
      expect(guard(assessment)?.reason).toBe(
        'webapp-1 sends v2 10 % of its 500 calls, where the other 2 proxies of 3 send 0 %: it draws by other routes, as a proxy does that no longer follows the control plane.',
      );
      expect(stale).toEqual([expect.objectContaining({ object: 'Pod/pitstop/webapp-1', expected: '0 %' })]);
    });

    it('so is the one that still sends to the old version', () => {
      const { stale } = judged(all, [0, 500], [0, 500], [450, 50]);
      expect(stale).toEqual([expect.objectContaining({ object: 'Pod/pitstop/webapp-2', expected: '100 %' })]);
    });

    it('none is named when all send some astray, or so few that chance could do it', () => {
      expect(judged(back, [450, 50], [460, 40], [455, 45]).stale).toEqual([]);
      expect(judged(back, [500, 0], [498, 2], [500, 0]).stale).toEqual([]);
    });

    it('the window stays open a little for that, although the first request astray has refuted the promise', () => {
      const few = judge(back, { http: weights(100, 0), callers: 3 }, [looked([50, 0], [48, 2], [50, 0])]);
      expect([few.verdict, few.decided]).toEqual(['fail', false]);
      const enough = judge(back, { http: weights(100, 0), callers: 3 }, [looked([200, 0], [198, 2], [200, 0])]);
      expect([enough.verdict, enough.decided]).toEqual(['fail', true]);
      const alone = judge(back, { http: weights(100, 0) }, [{ ...looked([48, 2]), at: 3000 }]);
      expect(alone.decided).toBe(true);
    });

    it('it stays open for the first scrapes, where the client knows of an answer astray and no proxy has told of a call yet', () => {
      const ahead = (at: number) => {
        const seen = looked([50, 0], [50, 0], [50, 0]);
        const client = saw('client', { v1: 149, v2: 1 });
        const observations = [client, ...seen.observations.filter(({ vantagePoint }) => vantagePoint !== 'client')];
        return judge(back, { http: weights(100, 0), callers: 3 }, [{ ...seen, at, observations }]);
      };
      expect([ahead(500).verdict, ahead(500).decided]).toEqual(['fail', false]);
      expect(ahead(3000).decided).toBe(true);
    });

    it('proxies that send nothing astray pass, and spend nothing of the error rate', () => {
      const { assessment } = judged(back, [500, 0], [500, 0], [500, 0]);
      expect(guard(assessment)).toMatchObject({ verdict: 'pass', required: true });
      // Two points decide the share; the guard is free.
      expect(assessment.checks.find(({ name }) => name === 'share:v2')?.errorRate).toBeCloseTo(0.0001 / 2, 12);
    });
  });

  it('may differ where clients are hashed', () => {
    const assessment = judge(even, { balancer: BY_ADDRESS, callers: 2 }, [looked([2000, 0], [0, 2000])]);
    expect(guard(assessment)).toBeUndefined();
    expect(assessment.verdict).toBe('inconclusive');
  });

  it('a single one is not shown, and is no pass of its own', () => {
    expect(guard(judge(canary, live, [looked([900, 100])]))).toBeUndefined();
  });
});

describe('a mirror of some calls only', () => {
  const rule = (match: string) =>
    `[{match: [${match}], route: [{destination: {host: customermanagementapi, subset: v1}}], mirror: {host: customermanagementapi, subset: v2}}, {route: [{destination: {host: customermanagementapi, subset: v1}}]}]`;
  const promise = stage(mirror({ v2: 1 }), { name: 'mirror' });
  const copied = (copies: number) =>
    look(
      [
        saw('client', { v1: 2000 }),
        saw('source', { v1: 2000 }),
        saw('destination', { v1: 2000, v2: copies }),
        saw('graph', {}),
      ],
      true,
    );
  const post = { method: 'POST', target: '/CustomerManagement/Create', headers: {}, line: 3 };
  const verdict = (match: string, copies: number, writes = false) => {
    const base = scenario([promise]);
    const uris = writes ? [...base.load.uris, post] : base.load.uris;
    const running = new StageJudge(
      { ...base, load: { ...base.load, uris } },
      promise,
      pitstopLive({ http: rule(match) }),
    );
    return running.look(copied(copies)).checks.find(({ name }) => name === 'mirror:v2') as CheckResult;
  };
  const READS = '{method: {exact: GET}}';

  it.each([
    ['a load of reads, all reads copied', READS, 2000, false, 'pass'],
    ['a load of reads, one copy missing', READS, 1999, false, 'fail'],
    ['a load that writes too, fewer copies', READS, 1500, true, 'not-applicable'],
    ['a load that writes too, and every call was copied', READS, 2000, true, 'pass'],
    ['only some paths are copied', '{uri: {prefix: /customers}}', 1500, false, 'not-applicable'],
  ] as const)('%s', (_says, match, copies, writes, expected) => {
    expect(verdict(match, copies, writes).verdict).toBe(expected);
  });

  it('says why it cannot be told', () => {
    expect(verdict(READS, 1500, true).reason).toBe(
      'v2 received 1,500 copies of 2,000 primary calls; every one must be copied, but the objects copy only calls of some methods, paths or headers, and the metrics of the proxies do not tell those from others.',
    );
  });
});
