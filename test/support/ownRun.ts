import { join } from 'node:path';
import { expect } from 'vitest';
import type { Report } from '../../src/report/reportJson.js';
import { generatorInvalid, type Workspace, weighbridge } from './cli.js';

/** Where `init` writes the scenario of Istio's book shop. */
export const REVIEWS = 'scenarios/reviews-canary';

export const runReviews = (space: Workspace, ...args: string[]) => runOwn(space, REVIEWS, ...args);

/** Runs stages of a scenario; once more when others had the cores. */
export async function runOwn(space: Workspace, scenario: string, ...args: string[]) {
  for (let tries = 1; ; tries++) {
    const { code, stdout, stderr } = await weighbridge(['run', scenario, '--seed', '3', ...args], space.dir);
    const report = space.report();
    if (tries < 3 && generatorInvalid(report as unknown as Report)) continue;
    const [stage] = report.stages;
    if (!stage) throw new Error(`no stage in the report:\n${stdout}${stderr}`);
    return { code, stage, report, stderr };
  }
}

/** 80/20 objects keep a promise of 20 %, at the source and at the client. */
export async function expectTwentyPasses(space: Workspace): Promise<void> {
  const { code, stage, report, stderr } = await runReviews(space, '--stage', 'present');
  expect([code, stage.verdict], stderr).toEqual([0, 'pass']);
  const shares = stage.checks.filter(({ name }) => name === 'share:v2');
  expect(shares.map(({ vantagePoint, verdict }) => [vantagePoint, verdict])).toContainEqual(['source', 'pass']);
  const client = shares.find(({ vantagePoint }) => vantagePoint === 'client')?.observed;
  expect(client?.total).toBeGreaterThan(1000);
  expect(client?.share).toBeGreaterThan(0.17);
  expect(client?.share).toBeLessThan(0.23);
  expect(report.load).toMatchObject({ failed: 0, errors: {} });
}

/** The same objects break a promise of 10 %, and the field that does is named. */
export async function expectTenFails(space: Workspace): Promise<void> {
  space.edit(join(REVIEWS, 'scenario.yaml'), 'share: {v2: 20%}', 'share: {v2: 10%}');
  const { code, stage } = await runReviews(space, '--stage', 'present');
  expect([code, stage.verdict]).toEqual([1, 'fail']);
  expect(stage.causes).toContainEqual(
    expect.objectContaining({
      code: 'WEIGHT_DIFFERS',
      object: 'VirtualService/default/reviews',
      field: 'spec.http[0].route[1].weight',
      found: '20',
      expected: '10',
    }),
  );
}
