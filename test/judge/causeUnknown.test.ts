import { describe, expect, test } from 'vitest';
import { causeUnknown, diagnose } from '../../src/judge/causes.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { Look } from '../../src/judge/types.js';
import { agreed, look, saw, scenario, share, stage } from '../support/judge.js';
import { bothSubsets, service, split, v1, v2, virtualService, webapp } from '../support/pitstopObjects.js';

const promise = stage(share({ v2: 0.1 }));
const routed = (one: number, two: number) => [
  service(),
  ...v1,
  ...v2(),
  ...webapp(),
  bothSubsets,
  virtualService('customermanagementapi', split(one, two)),
];

function told(seen: Look, objects = routed(90, 10)) {
  const whole = scenario([promise]);
  const assessment = new StageJudge(whole, promise, objects).look(seen);
  const causes = diagnose({ scenario: whole, stage: promise, objects, assessment, observations: seen });
  return { verdict: assessment.verdict, causes, finding: causeUnknown(assessment, causes) };
}

describe('a stage that fails, and no known cause explains it', () => {
  test('says what was counted, and that all vantage points saw the same', () => {
    const { verdict, causes, finding } = told(agreed(1400, 600, true));
    expect([verdict, causes]).toEqual(['fail', []]);
    expect(finding).toMatchObject({ level: 'warning', code: 'CAUSE_UNKNOWN' });
    expect(finding?.message).toMatch(/^None of the known causes explains this: /);
    expect(finding?.message).toContain('share:v2 at the source proxy is 30 % (600 of 2,000 calls), promised 10 %');
    expect(finding?.message).toMatch(/The ledger leaves no request unexplained, so all vantage points saw the same\.$/);
  });

  test('names the lines of the ledger that nothing explains, the largest first', () => {
    const seen = look(
      [
        saw('client', { v1: 700, v2: 300 }, { sent: 1000 }),
        saw('source', { v1: 1400, v2: 600 }),
        saw('destination', { v1: 1420, v2: 900 }, { frontDoor: 1000 }),
      ],
      true,
    );
    const { finding } = told(seen);
    expect(finding?.message).toContain(
      'What nothing in the ledger explains: the destination proxies: requests to v2 900, 300 more than explained; the destination proxies: requests to v1 1,420, 20 more than explained',
    );
  });

  test('says so, too, where a wrong object is named that does not explain the counts', () => {
    const { causes, finding } = told(agreed(400, 1600, true), routed(70, 30));
    expect(causes.map(({ code }) => code)).toEqual(['WEIGHT_DIFFERS']);
    expect(finding?.message).toMatch(/^What is named is wrong, and does not explain what was counted: share:v2 /);
  });

  test('says nothing where a cause is named', () => {
    const { causes, finding } = told(agreed(1400, 600, true), routed(70, 30));
    expect([causes.map(({ code }) => code), finding]).toEqual([['WEIGHT_DIFFERS'], undefined]);
  });

  test('says nothing where the promise is kept, or nothing is decided', () => {
    expect(told(agreed(18_000, 2000, true)).finding).toBeUndefined();
    expect(told(agreed(9, 1)).finding).toBeUndefined();
  });
});
