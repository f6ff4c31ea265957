import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/observe/types.js';
import { SCENARIO, smallLoad, weighbridge } from '../support/cli.js';
import { checkOf, runStage } from '../support/stageRun.js';

describe('a release that does not keep its promise', () => {
  it('fails when the canary says 75/25, and names the weight', async () => {
    const space = smallLoad();
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', 'weight: 90', 'weight: 75');
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', 'weight: 10', 'weight: 25');
    const { code, stage, printed } = await runStage(space, 'canary');
    expect(code).toBe(1);
    expect(stage.verdict).toBe('fail');
    expect(stage.causes[0]).toMatchObject({
      code: 'WEIGHT_DIFFERS',
      object: 'VirtualService/pitstop/customermanagementapi',
      field: 'spec.http[0].route[1].weight',
      found: '25',
      expected: '10',
    });
    const events = readFileSync(join(space.dir, 'reports/latest/journal.ndjson'), 'utf8').trim().split('\n');
    const told = events.map((line) => JSON.parse(line) as { type: string; evidence?: Evidence });
    const { evidence } = told.find(({ type }) => type === 'evidence') ?? {};
    expect(evidence?.source?.responses.v2).toHaveProperty('200 -');
    expect(Object.keys(evidence?.destination?.proxies ?? {})).toContainEqual(
      expect.stringMatching(/^customermanagementapi-v2-/),
    );
    expect(evidence?.targets?.every(({ up }) => up)).toBe(true);
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
    const { code, stage } = await runStage(space, 'even');
    expect(code).toBe(1);
    expect(stage.causes[0]).toMatchObject({
      code: 'ROUTE_LEFT_OVER',
      object: 'VirtualService/pitstop/customers-canary',
    });
  });

  it('fails the canary while the selector pins v1: a tenth of the calls is 503, and v2 gets nothing', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, '      - customermanagementapi-svc-open.yaml\n', '');
    const { code, stage } = await runStage(space, 'canary');
    expect(code).toBe(1);
    expect(stage.causes[0]).toMatchObject({
      code: 'SELECTOR_PINS_VERSION',
      object: 'Service/pitstop/customermanagementapi',
      field: 'spec.selector.version',
      found: 'v1',
    });
    const errors = checkOf(stage, 'errors', 'source')?.observed;
    expect(errors?.low).toBeGreaterThan(0.005);
    expect(errors?.low).toBeLessThan(0.1);
    expect(errors?.high).toBeGreaterThan(0.1);
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
