import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/release/events.js';
import type { Report } from '../../../src/report/reportJson.js';
import { generatorInvalid, SCENARIO, type Workspace, weighbridge } from '../../support/cli.js';
import { directScenario } from '../../support/directScenario.js';

/** Runs the scenario; once more when others had the cores. */
async function run(space: Workspace, ...more: string[]) {
  for (let tries = 1; ; tries++) {
    const { code, stdout, stderr } = await weighbridge(['run', SCENARIO, '--seed', '3', ...more], space.dir);
    const report = space.report() as unknown as Report;
    const [stage] = report.stages;
    if (!stage) throw new Error(`no stage in the report:\n${stdout}${stderr}`);
    if (tries < 3 && generatorInvalid(report)) continue;
    const journal = readFileSync(join(space.dir, 'reports/latest/journal.ndjson'), 'utf8');
    const events = journal.split('\n').flatMap((line) => (line ? [JSON.parse(line) as RunEvent] : []));
    return { code, stage, printed: stdout + stderr, events };
  }
}
type Outcome = Awaited<ReturnType<typeof run>>;

const share = ({ stage }: Outcome) => stage.checks.find(({ vantagePoint }) => vantagePoint === 'client');
const message = ({ stage }: Outcome, code: string) => stage.findings.find((each) => each.code === code)?.message;
const at = ({ events }: Outcome, type: RunEvent['type']) => events.findIndex((event) => event.type === type);

describe('a load that dials the Service itself', () => {
  it('opens connections anew, since whole ones are drawn, and judges those', async () => {
    const outcome = await run(directScenario());
    expect(outcome.code).toBe(0);
    expect(share(outcome)).toMatchObject({ verdict: 'pass', required: true });
    expect(share(outcome)?.reason).toMatch(
      /^The version is drawn per connection: the load calls the Service itself, and kube-proxy balances its connections\. [\d,]+ of [\d,]+ connections went to v2: .* 50 % ± 10 % by balancing was promised/,
    );
    expect(share(outcome)?.statistics).toMatch(/^n = [\d,]+ connections; /);
    expect(message(outcome, 'FRESH_CONNECTIONS')).toBe(
      "The run gave every request a connection of its own, and counted those: the load's own connections are what is drawn for, so a request on a new one is a draw.",
    );
    // Before it asked who answers: kept connections would never have shown v2.
    expect(at(outcome, 'fresh-connections')).toBeLessThan(at(outcome, 'arrived'));
    expect(outcome.printed).toMatch(/even The version is drawn per connection: .* From now on 100/);
  });

  it('finds a wrong share by connections', async () => {
    const space = directScenario();
    space.edit(SCENARIO, 'v2: 50%', 'v2: 20%');
    const outcome = await run(space);
    expect(outcome.code).toBe(1);
    expect(share(outcome)).toMatchObject({ verdict: 'fail' });
    expect(share(outcome)?.reason).toMatch(
      /connections went to v2: .* 20 % ± 10 % by balancing was promised and is refuted/,
    );
  });

  it('changes the unit in the middle of the window when the answers contradict the objects', async () => {
    const space = directScenario();
    // The objects say what the proxy of `caller` would do, and it is not what calls.
    space.edit(SCENARIO, 'service: shop\n', 'service: shop\nfrom: caller\nwatch: { source: off }\n');
    // Both versions answer from the start, so that the kept connections are spread over them.
    space.edit(SCENARIO, 'objects: [shop.yaml, ', 'objects: [shop.yaml, v2.yaml, ');
    const outcome = await run(space);
    expect(outcome.code).toBe(0);
    expect(at(outcome, 'fresh-connections')).toBeGreaterThan(at(outcome, 'look'));
    expect(share(outcome)?.reason).toMatch(
      /^The version is drawn per connection, not per request: [\d,]+ of [\d,]+ pairs of consecutive answers on one connection agree, .* connections went to v2/,
    );
    expect(share(outcome)?.observed?.total).toBeGreaterThan(100);
  });

  it('says that fresh connections would not help where the client is drawn, and judges no share', async () => {
    const space = directScenario();
    space.edit(join(SCENARIO, '../shop.yaml'), 'type: LoadBalancer,', 'type: LoadBalancer, sessionAffinity: ClientIP,');
    const refused = await weighbridge(['run', SCENARIO], space.dir);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(
      /stages\.even: not decidable from here, because the version is drawn per client: .* fresh connections of the load would not help: a new connection comes from the same address/,
    );
    const outcome = await run(space, '--allow-undecidable');
    expect(outcome.code).toBe(2);
    expect(share(outcome)).toMatchObject({ verdict: 'inconclusive' });
    expect(share(outcome)?.reason).toMatch(
      /no share is judged on them\. Fresh connections of the load would not help: /,
    );
    expect(outcome.printed).toMatch(
      /Fresh connections of the load would not help: a new connection comes from the same/,
    );
  });
});
