import { describe, expect, it } from 'vitest';
import { type RunReport, SCENARIO, smallLoad, type Workspace, weighbridge } from '../support/cli.js';

async function run(
  space: Workspace,
  stage: string,
  ...more: string[]
): Promise<{ code: number | null; stage: RunReport['stages'][number]; printed: string }> {
  const { code, stdout, stderr } = await weighbridge(
    ['run', SCENARIO, '--stage', stage, '--seed', '11', ...more],
    space.dir,
  );
  const found = space.report().stages.find(({ name }) => name === stage);
  if (!found) throw new Error(`no stage ${stage} in the report:\n${stdout}${stderr}`);
  return { code, stage: found, printed: stdout + stderr };
}

const check = (stage: RunReport['stages'][number], name: string, vantagePoint: string) =>
  stage.checks.find((one) => one.name === name && one.vantagePoint === vantagePoint);

describe('a release that does not keep its promise', () => {
  it('fails when the canary says 75/25, and names the weight', async () => {
    const space = smallLoad();
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', 'weight: 90', 'weight: 75');
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', 'weight: 10', 'weight: 25');
    const { code, stage, printed } = await run(space, 'canary');
    expect(code).toBe(1);
    expect(stage.verdict).toBe('fail');
    expect(stage.causes[0]).toMatchObject({
      code: 'WEIGHT_DIFFERS',
      object: 'VirtualService/pitstop/customermanagementapi',
      field: 'spec.http[0].route[1].weight',
      found: '25',
      expected: '10',
    });
    expect(printed).toMatch(/WEIGHT_DIFFERS +VirtualService\/pitstop\/customermanagementapi/);
    expect(printed).toMatch(/customermanagementapi-canary\.yaml:\d+/);
  });

  it('fails the even stage when the canary route has another name and is left over, and names it', async () => {
    const space = smallLoad();
    space.edit(
      'scenarios/pitstop/customermanagementapi-canary.yaml',
      'name: customermanagementapi',
      'name: customers-canary',
    );
    space.edit(
      SCENARIO,
      / {2}- name: mirror[\s\S]*?- name: canary\n {4}apply:\n/,
      '  - name: canary\n    apply:\n      - customermanagementapi-dr.yaml\n      - customermanagementapi-svc-open.yaml\n',
    );
    const { code, stage } = await run(space, 'even');
    expect(code).toBe(1);
    expect(stage.causes[0]).toMatchObject({
      code: 'ROUTE_LEFT_OVER',
      object: 'VirtualService/pitstop/customers-canary',
    });
  });

  it('fails the canary while the selector pins v1: a tenth of the calls is 503, and v2 gets nothing', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, '      - customermanagementapi-svc-open.yaml\n', '');
    const { code, stage } = await run(space, 'canary');
    expect(code).toBe(1);
    expect(stage.causes[0]).toMatchObject({
      code: 'SELECTOR_PINS_VERSION',
      object: 'Service/pitstop/customermanagementapi',
      field: 'spec.selector.version',
      found: 'v1',
    });
    const errors = check(stage, 'errors', 'source')?.observed;
    expect(errors?.low).toBeGreaterThan(0.005);
    expect(errors?.low).toBeLessThan(0.1);
    expect(errors?.high).toBeGreaterThan(0.1);
  });

  it('fails by errors when v2 always answers 500, although every page comes with status 200', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'lab:\n', 'lab:\n  apps:\n    customermanagementapi-v2: {errors: 100%, errorStatus: 500}\n');
    const { code, stage } = await run(space, 'canary');
    expect(code).toBe(1);
    expect(check(stage, 'errors', 'source')?.verdict).toBe('fail');
    expect(stage.causes.map((cause) => cause.code)).toContain('VERSION_FAILS');
  });

  it('fails when v2 is scaled to 0, and says that it is not ready', async () => {
    const space = smallLoad();
    space.edit('scenarios/pitstop/customermanagementapi-v2.yaml', 'replicas: 1', 'replicas: 0');
    const { code, stage } = await run(space, 'canary');
    expect(code).toBe(1);
    expect(stage.causes.map((cause) => cause.code)).toContain('VERSION_NOT_READY');
  });

  it('has no verdict when the load never reaches the service', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, /marker:\n(?: {2}.*\n)+/, 'marker: off\n');
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 5s');
    space.edit('uris/loadtest-uris.txt', /[\s\S]*/, '/\n');
    const { code, stage } = await run(space, 'canary', '--allow-undecidable');
    expect(code).toBe(2);
    expect(stage.verdict).toBe('no-data');
    expect(check(stage, 'share:v2', 'source')?.reason).toMatch(/No request of the load reached the service/);
  });

  it('is not even started when the longest window would leave it undecided, and says what to change', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 5s');
    const { code, stderr } = await weighbridge(['run', SCENARIO, '--stage', 'canary'], space.dir);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /scenario\.yaml: stages\.canary: probably not decided within maxDuration: 100 users send 4\d\d requests\/s, 2\d\d of them tell/,
    );
    expect(stderr).toMatch(/change one: 1,000 users: .*; maxDuration 1m: /);
    expect(stderr).toContain('--allow-undecidable');
    expect(stderr).not.toContain('lab');
  });
});
