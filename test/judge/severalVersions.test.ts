import { afterAll, describe, expect, test } from 'vitest';
import { planRun } from '../../src/judge/plan.js';
import { StageJudge } from '../../src/judge/stageJudge.js';
import type { Look, StageAssessment } from '../../src/judge/types.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { Scenario } from '../../src/scenario/types.js';
import { look, saw } from '../support/judge.js';
import { Folders, SMALL } from '../support/scenario.js';

const folders = new Folders();
afterAll(() => folders.remove());

const small = (text: string): string => SMALL[text] as string;

/** The small scenario with a third version. */
function threeVersions(expectation: string): Promise<Scenario> {
  const yaml = small('scenario.yaml')
    .replace('  v2: {version: v2}\n', '  v2: {version: v2}\n  v3: {version: v3}\n')
    .replace('v2: NEW', 'v2: NEW, v3: THIRD')
    .replace('{share: {v2: 10%}}', expectation)
    .replace(/ {2}- name: even[\s\S]*?(?=lab:)/, '');
  const rule = small('rule.yaml')
    .replace('weight: 90', 'weight: 70')
    .replace('weight: 10', 'weight: 20\n        - destination: {host: shop, subset: v3}\n          weight: 10');
  const shop = small('app/shop.yaml');
  const third = (shop.split('---\n').at(-1) as string).replaceAll('v2', 'v3');
  const cwd = folders.make({
    ...SMALL,
    'scenario.yaml': yaml,
    'rule.yaml': rule,
    'app/shop.yaml': `${shop}---\n${third}`,
  });
  return loadScenario('scenario.yaml', { cwd });
}

const seen = (v1: number, v2: number, v3: number, settled = false): Look =>
  look(
    (['client', 'source', 'destination', 'graph'] as const).map((point) => saw(point, { v1, v2, v3 })),
    settled,
  );

const judge = (scenario: Scenario, looks: readonly Look[]): StageAssessment => {
  const running = new StageJudge(scenario, scenario.stages[0] as Scenario['stages'][number]);
  return looks.map((each) => running.look(each)).at(-1) as StageAssessment;
};

const verdicts = (assessment: StageAssessment) =>
  Object.fromEntries(
    assessment.checks
      .filter(({ vantagePoint }) => vantagePoint === 'source')
      .map(({ name, verdict }) => [name, verdict]),
  );

describe('a scenario with three versions', () => {
  test('promises each its share, and each share is a check of its own', async () => {
    const scenario = await threeVersions('{share: {v1: 70%, v2: 20%, v3: 10%}}');
    expect(judge(scenario, [seen(7000, 2000, 1000)])).toMatchObject({ verdict: 'pass', decided: true });
    expect(verdicts(judge(scenario, [seen(7000, 2000, 1000)]))).toEqual({
      'share:v1': 'pass',
      'share:v2': 'pass',
      'share:v3': 'pass',
    });
  });

  test('says which versions changed places', async () => {
    const scenario = await threeVersions('{share: {v1: 70%, v2: 20%, v3: 10%}}');
    const assessment = judge(scenario, [seen(7000, 1000, 2000)]);
    expect(assessment.verdict).toBe('fail');
    expect(verdicts(assessment)).toEqual({ 'share:v1': 'pass', 'share:v2': 'fail', 'share:v3': 'fail' });
  });

  test('may leave one free, and promise another none', async () => {
    const scenario = await threeVersions('{share: {v2: 30%, v3: 0%}}');
    expect(verdicts(judge(scenario, [seen(7000, 3000, 0)]))).toEqual({ 'share:v2': 'pass', 'share:v3': 'pass' });
    expect(verdicts(judge(scenario, [seen(6999, 3000, 1)]))).toMatchObject({ 'share:v3': 'fail' });
  });

  test('is planned: every share, and the slowest of them in the line', async () => {
    const scenario = await threeVersions('{share: {v1: 70%, v2: 20%, v3: 10%}}');
    const [stage] = planRun(scenario, { client: 500, source: 500, destination: 500, graph: 500 }).stages;
    const required = stage?.checks.filter(({ required: asked, name }) => asked && name.startsWith('share:')) ?? [];
    expect(required.map(({ name, vantagePoint }) => `${name} ${vantagePoint}`)).toEqual([
      'share:v1 client',
      'share:v1 source',
      'share:v2 client',
      'share:v2 source',
      'share:v3 client',
      'share:v3 source',
    ]);
    expect(stage?.line).toContain('share:v1 at client');
  });

  test('refuses shares that do not make 100 %', async () => {
    await expect(threeVersions('{share: {v1: 70%, v2: 20%, v3: 20%}}')).rejects.toThrow('sum to 110 %');
  });
});
