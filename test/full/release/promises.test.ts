import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { millis, ratio } from '../../../src/base/units.js';
import type { CheckResult } from '../../../src/judge/types.js';
import { runRelease } from '../../../src/release/run.js';
import { foldRun } from '../../../src/report/model.js';
import { reportOf } from '../../../src/report/reportJson.js';
import type { Expectation, Scenario } from '../../../src/scenario/types.js';
import { type PitstopLab, pitstopLab, stageOf, Told } from '../../support/release.js';

let pitstop: PitstopLab | undefined;
afterEach(() => pitstop?.close());

const V2 = 'customermanagementapi-v2';

interface Walk {
  readonly apps?: Scenario['lab']['apps'];
  readonly promised: Partial<Expectation>;
  readonly soakMs?: number;
  readonly onEvent?: (type: string, lab: PitstopLab) => void;
}

/** Walks the canary stage, half of the calls to v2, with these promises and nothing else. */
async function canary({ apps = {}, promised, soakMs, onEvent }: Walk): Promise<Told> {
  pitstop = await pitstopLab('canary', { apps });
  const lab = pitstop;
  const stage = stageOf(lab.scenario, 'canary');
  const changed = {
    ...stage,
    expect: { share: undefined, by: 'weight' as const, mirror: undefined, errors: undefined, ...promised },
    ...(soakMs === undefined ? {} : { soak: millis(soakMs) }),
  };
  // Twenty users, and answers that come in waves where others have the cores: a limit takes its time then.
  const scenario: Scenario = { ...lab.scenario, stages: [changed], maxDuration: millis(90_000) };
  const told = new Told();
  await runRelease(scenario, lab.runOptions(['canary']), {
    clock: systemClock,
    client: lab.client,
    emit: (event) => {
      told.emit(event);
      onEvent?.(event.type, lab);
    },
    signal: new AbortController().signal,
  });
  return told;
}

const check = (told: Told, name: string): CheckResult => {
  const checks = told.model.stages[0]?.assessment?.checks ?? [];
  const found = checks.find((each) => each.name === name);
  if (!found) throw new Error(`no check ${name} among ${checks.map((each) => each.name).join(', ')}`);
  return found;
};

/** The report that a journal on disk would give. */
const again = (told: Told) =>
  reportOf(foldRun(told.events.map((event, seq) => JSON.parse(JSON.stringify({ seq, at: 1000 + seq, ...event })))));

describe('promises on the lab', () => {
  test('a slow v2 is slower than promised, and its own percentile says by how much', async () => {
    const told = await canary({
      apps: { [V2]: { latency: { kind: 'constant', ms: millis(150) } } },
      promised: {
        responseTime: {
          limits: { p99: millis(5000) },
          versions: { v2: { limits: { p50: millis(100) }, notSlower: { than: 'v1', margin: ratio(0.25) } } },
        },
      },
    });
    const slower = check(told, 'responseTime:v2');
    const median = check(told, 'responseTime:v2:p50');
    expect(told.model.verdict).toBe('fail');
    // Whichever of the two is decided first ends the window.
    expect([slower.verdict, median.verdict]).toContain('fail');
    expect([slower.verdict, median.verdict]).not.toContain('pass');
    expect(median.observed?.responseTime?.value).toBeGreaterThan(140);
    const reason = slower.verdict === 'fail' ? slower.reason : median.reason;
    expect(reason).toMatch(
      /^In [\d,]+ of [\d,]+ pairs of answers v2 took more than 25 % longer than v1: .*, so v2 is slower than promised\.$|^p50 of [\d,]+ answers from v2 is \d+ ms .*; at most 100 ms was promised: .* took longer, where 50 % may\.$/,
    );
    expect(again(told).stages[0]?.checks.map(({ verdict }) => verdict)).toEqual(
      told.model.stages[0]?.assessment?.checks.map(({ verdict }) => verdict),
    );
  });

  test('a v2 that fails is worse than v1, and the sentence says how often', async () => {
    const told = await canary({
      apps: { [V2]: { errors: ratio(0.5), errorStatus: 500 } },
      promised: { errors: { max: undefined, notWorse: { v2: { than: 'v1', ratio: 1 } } } },
    });
    expect(told.model.verdict).toBe('fail');
    expect(check(told, 'errors:v2').reason).toMatch(
      /^v2 failed \d+ of \d+ calls \(.*%\), v1 failed \d+ of [\d,]+ calls \(.*%\); v2 was to fail no more often than v1, and fails (at least [\d.]+ times as often|more often)\.$/,
    );
    expect(check(told, 'errors:v2').statistics).toMatch(/noncentral hypergeometric/);
    expect(told.model.stages[0]?.causes.map(({ code }) => code)).toContain('VERSION_FAILS');
  });

  test('a good v2 keeps every promise, and nothing drifts in its soak', async () => {
    const told = await canary({
      promised: {
        share: { v2: ratio(0.1) },
        errors: { max: ratio(0.1), notWorse: { v2: { than: 'v1', ratio: 1 } } },
        // Few answers suffice for a median, even where others have the cores and answers come in waves.
        responseTime: { limits: { p50: millis(3000) }, versions: {} },
      },
      soakMs: 3000,
    });
    expect(
      told.model.stages[0]?.assessment?.checks.filter(({ required, verdict }) => required && verdict !== 'pass'),
    ).toEqual([]);
    expect(check(told, 'drift:v2').reason).toMatch(/did not drift in \d.* after the pass/);
    expect(check(told, 'drift:errors').verdict).toBe('pass');
    expect(told.of('soak-finished')).toMatchObject([{ reason: 'over' }]);
    expect(told.types).toEqual(expect.arrayContaining(['window-closed', 'soak-started', 'soak-finished']));
    expect(told.types.indexOf('soak-started')).toBe(told.types.indexOf('window-closed') + 1);
  });

  test('weights that somebody changes in the soak fail the stage, which says when', async () => {
    const told = await canary({
      promised: { share: { v2: ratio(0.1) } },
      soakMs: 60_000,
      onEvent: (type, lab) => {
        if (type !== 'soak-started') return;
        void (async () => {
          const key = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', namespace: 'pitstop' };
          const [live] = await lab.client.list(key.apiVersion, key.kind, key.namespace);
          if (!live) throw new Error('no VirtualService');
          const text = JSON.stringify(live).replace('"weight":90', '"weight":20').replace('"weight":10', '"weight":80');
          await lab.client.replace(JSON.parse(text));
        })();
      },
    });
    expect(told.model.verdict).toBe('fail');
    expect(told.of('soak-finished')).toMatchObject([{ reason: 'drift' }]);
    const drifted = check(told, 'drift:v2');
    const reported = again(told).stages[0]?.checks.filter(({ name }) => name === 'drift:v2') ?? [];
    expect(reported.map(({ verdict }) => verdict)).toContain('fail');
    expect(reported.find(({ verdict }) => verdict === 'fail')?.reason).toMatch(
      /^The share of v2 at .* changed about .* after the pass: .* since then \(.*\), where 10 % was promised and found before\.$/,
    );
    expect(drifted.name).toBe('drift:v2');
  });
});
