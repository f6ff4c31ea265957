import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/reportJson.js';
import { generatorInvalid, SCENARIO, type Workspace, weighbridge, workspace } from '../support/cli.js';

const reportOf = (space: Workspace) =>
  JSON.parse(readFileSync(join(space.dir, 'reports/latest/report.json'), 'utf8')) as Report;

describe('the release of Pitstop on the lab, as it is promised', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('passes every stage with seed %i', async (seed) => {
    const space = workspace();
    const main = () => weighbridge(['run', SCENARIO, '--seed', String(seed)], space.dir);
    let run = await main();
    // A machine whose cores others take now and then says so; what is asked here is the verdict of a sound run.
    for (let again = 0; again < 2 && run.code === 2 && generatorInvalid(reportOf(space)); again++) run = await main();
    expect(run.code, run.stderr).toBe(0);
    expect(reportOf(space).stages.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
      ['v1-only', 'dark', 'mirror', 'canary', 'even'].map((name) => `${name} pass`),
    );
  });
});
