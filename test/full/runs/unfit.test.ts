import { describe, expect, it } from 'vitest';
import { SCENARIO, smallLoad } from '../../support/cli.js';
import { checkOf, runStage } from '../../support/stageRun.js';

describe('a release whose v2 or whose load is unfit', () => {
  it('fails by errors when v2 always answers 500, although every page comes with status 200', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'lab:\n', 'lab:\n  apps:\n    customermanagementapi-v2: {errors: 100%, errorStatus: 500}\n');
    const { code, stage } = await runStage(space, 'canary');
    expect(code).toBe(1);
    expect(checkOf(stage, 'errors', 'source')?.verdict).toBe('fail');
    expect(stage.causes.map((cause) => cause.code)).toContain('VERSION_FAILS');
  });

  it('fails when v2 is scaled to 0, and says that it is not ready', async () => {
    const space = smallLoad();
    space.edit('scenarios/pitstop/customermanagementapi-v2.yaml', 'replicas: 1', 'replicas: 0');
    const { code, stage } = await runStage(space, 'canary');
    expect(code).toBe(1);
    expect(stage.causes.map((cause) => cause.code)).toContain('VERSION_NOT_READY');
  });

  it('has no verdict when the load never reaches the service', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, /marker:\n(?: {2}.*\n)+/, 'marker: off\n');
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 5s');
    space.edit('uris/loadtest-uris.txt', /[\s\S]*/, '/\n');
    const { code, stage } = await runStage(space, 'canary', '--allow-undecidable');
    expect(code).toBe(2);
    expect(stage.verdict).toBe('no-data');
    expect(checkOf(stage, 'share:v2', 'source')?.reason).toMatch(/No request of the load reached the service/);
  });
});
