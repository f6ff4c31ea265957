import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../../src/report/reportJson.js';
import { generatorInvalid, SCENARIO, smallLoad, type Workspace, weighbridge } from '../../support/cli.js';

const PITSTOP = 'scenarios/pitstop';

interface Outcome {
  readonly code: number | null;
  readonly stage: Report['stages'][number];
}

/** Runs one stage; once more when others had the cores. */
async function run(space: Workspace, name: string): Promise<Outcome> {
  for (let tries = 1; ; tries++) {
    const { code, stdout, stderr } = await weighbridge(
      ['run', SCENARIO, '--stage', name, '--seed', '11', '--allow-undecidable'],
      space.dir,
    );
    const report = space.report() as unknown as Report;
    const stage = report.stages.find((each) => each.name === name);
    if (!stage) throw new Error(`no stage ${name} in the report:\n${stdout}${stderr}`);
    if (tries === 3 || !generatorInvalid(report)) return { code, stage };
  }
}

const check = ({ stage }: Outcome, name: string, point: string) => {
  const found = stage.checks.find((each) => each.name === name && each.vantagePoint === point);
  if (!found) throw new Error(`no check ${name} at ${point}: ${JSON.stringify(stage.checks)}`);
  return found;
};
const finding = ({ stage }: Outcome, code: string) => stage.findings.find((each) => each.code === code)?.message ?? '';
const entry = ({ stage }: Outcome, point: string, account: string) =>
  stage.ledger?.lines.find((each) => each.vantagePoint === point && each.account === account);

const hashed = (space: Workspace, policy: string) =>
  space.edit(
    `${PITSTOP}/customermanagementapi-dr.yaml`,
    'spec:\n',
    `spec:\n  trafficPolicy: { loadBalancer: { consistentHash: ${policy} } }\n`,
  );
const apps = (space: Workspace, text: string) => space.edit(SCENARIO, 'lab:\n', `lab:\n  apps:\n${text}`);

describe('what is drawn decides what is judged', () => {
  it('consistentHash beside weights passes: the version is still drawn per request', async () => {
    const space = smallLoad();
    hashed(space, '{ httpHeaderName: x-user }');
    const outcome = await run(space, 'canary');
    expect(outcome.stage.verdict).toBe('pass');
    expect(outcome.code).toBe(0);
    expect(finding(outcome, 'UNIT_NOT_REQUEST')).toBe('');
  });

  it('consistentHash at the even stage is no draw per request, and nothing is judged on requests', async () => {
    const space = smallLoad();
    hashed(space, '{ useSourceIp: true }');
    const outcome = await run(space, 'even');
    expect(outcome.code).toBe(2);
    const { verdict, reason } = check(outcome, 'share:v2', 'source');
    expect(verdict).toBe('inconclusive');
    expect(reason).toMatch(
      /^The version is drawn per client: consistentHash sends all of one client address to one pod\. /,
    );
    expect(finding(outcome, 'UNIT_NOT_REQUEST')).toContain('drawn per client');
  });

  it('a port named tcp is judged on connections, and the unit is named', async () => {
    const space = smallLoad();
    for (const file of ['svc', 'svc-open']) {
      space.edit(`${PITSTOP}/customermanagementapi-${file}.yaml`, 'name: http', 'name: tcp-api');
    }
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 8s');
    const outcome = await run(space, 'even');
    expect(outcome.code).toBe(2);
    const { verdict, reason } = check(outcome, 'share:v2', 'source');
    expect(verdict).toBe('inconclusive');
    expect(reason).toMatch(
      /^The version is drawn per connection: .*port tcp-api is routed as TCP|^The version is drawn per connection: the source proxy counts connections/,
    );
    expect(check(outcome, 'share:v2', 'client').verdict).toBe('not-applicable');
    expect(finding(outcome, 'UNIT_NOT_REQUEST')).toMatch(
      /Fresh connections of the load would not help: what is drawn for are the connections of webapp, and new ones of the load end before those\.$/,
    );
    expect(finding(outcome, 'FRESH_CONNECTIONS')).toBe('');
  });

  it('a share by balancing is recognised and its balancer named', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'share: { v2: 50%, by: balancing }', 'share: { v2: 50% }');
    const outcome = await run(space, 'even');
    expect(outcome.stage.verdict).toBe('pass');
    expect(finding(outcome, 'BY_BALANCING')).toContain(
      'the proxies balance by least requests over the ready pods (v1 1, v2 1)',
    );
  });

  it('a slow v2 under balancing is told with both latencies, not as a wrong weight', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'uniform: [100ms, 300ms]', 'uniform: [10ms, 40ms]');
    space.edit(SCENARIO, 'users: 100', 'users: 20');
    apps(space, '    customermanagementapi-v1: {latency: 5ms}\n    customermanagementapi-v2: {latency: 60ms}\n');
    const outcome = await run(space, 'even');
    expect(outcome.stage.verdict).toBe('fail');
    expect(finding(outcome, 'LATENCY_DRIFT')).toMatch(
      /^v2 takes \d+ ms on average, the others [\d.]+ ms, .* no weight is wrong\.$/,
    );
    expect(outcome.stage.causes.map(({ code }) => code)).not.toContain('WEIGHT_DIFFERS');
  });
});

describe('several vantage points', () => {
  it('one stale proxy of three is found and named', async () => {
    const space = smallLoad();
    space.edit(`${PITSTOP}/app/webapp.yaml`, 'replicas: 1', 'replicas: 3');
    space.edit(SCENARIO, 'lab:\n', 'lab:\n  stale: {webapp: 1}\n');
    const outcome = await run(space, 'canary');
    expect(outcome.code).toBe(1);
    const cause = outcome.stage.causes.find(({ code }) => code === 'PROXY_STALE');
    expect(cause).toMatchObject({ object: expect.stringMatching(/^Pod\/pitstop\/webapp-/), expected: '10 %' });
    const stale = (cause?.object ?? '').split('/').at(-1) ?? 'none';
    expect(check(outcome, 'proxies:v2', 'source').reason).toContain(stale);
    const differing = outcome.stage.findings.find(({ code }) => code === 'PROXIES_DIFFER');
    expect(differing?.message).toContain(stale);
  });

  it('so is one that still sends to v2 where it must get nothing any more', async () => {
    const space = smallLoad();
    space.edit(`${PITSTOP}/app/webapp.yaml`, 'replicas: 1', 'replicas: 3');
    space.edit(SCENARIO, 'lab:\n', 'lab:\n  stale: {webapp: 1}\n');
    const canary = readFileSync(join(space.dir, PITSTOP, 'customermanagementapi-canary.yaml'), 'utf8');
    const back = canary.replace('weight: 90', 'weight: 100').replace('weight: 10\n', 'weight: 0\n');
    writeFileSync(join(space.dir, PITSTOP, 'back.yaml'), back);
    space.edit(
      SCENARIO,
      '  # Without rules',
      '  - name: back\n    apply: [back.yaml]\n    expect: { share: { v2: 0% } }\n\n  # Without rules',
    );
    const outcome = await run(space, 'back');
    expect(outcome.code).toBe(1);
    const cause = outcome.stage.causes.find(({ code }) => code === 'PROXY_STALE');
    expect(cause).toMatchObject({ object: expect.stringMatching(/^Pod\/pitstop\/webapp-/), expected: '0 %' });
  });

  it('retries inflate the destination share, and the ledger explains it', async () => {
    const space = smallLoad();
    space.edit(
      `${PITSTOP}/customermanagementapi-canary.yaml`,
      '    - route:\n',
      '    - retries: { attempts: 4, retryOn: 5xx }\n      route:\n',
    );
    apps(space, '    customermanagementapi-v2: {errors: 40%, errorStatus: 503}\n');
    space.edit(
      SCENARIO,
      /share: \{ v2: 10% \}\n {6}errors: \{ max: 0.5% \}/,
      'share: { v2: 10% }\n      errors: { max: 5% }',
    );
    const outcome = await run(space, 'canary');
    expect(outcome.stage.verdict).toBe('pass');
    expect(finding(outcome, 'RETRIES_COUNTED')).toMatch(
      /^v2 received [\d,]+ requests, [\d,]+ of them repeated by the source proxy/,
    );
    const line = entry(outcome, 'destination', 'requests to v2');
    expect(line?.residual).toBe(0);
    const retries = line?.parts.find(({ what }) => what === 'retries');
    expect(retries?.count).toBeGreaterThan(0);
    expect(finding(outcome, 'CONTRADICTION')).toBe('');
    expect(finding(outcome, 'LEDGER_CONTRADICTION')).toBe('');
  });

  it('calls of others are told apart and not judged', async () => {
    const space = smallLoad();
    // Each page makes the web app ask another workload, which asks the API too.
    writeFileSync(
      join(space.dir, PITSTOP, 'app/reporting.yaml'),
      `apiVersion: v1
kind: Service
metadata: { name: reporting, namespace: pitstop }
spec: { selector: { app: reporting }, ports: [{ name: http, port: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reporting, namespace: pitstop }
spec:
  selector: { matchLabels: { app: reporting } }
  template:
    metadata: { labels: { app: reporting }, annotations: { sidecar.istio.io/inject: "true" } }
    spec: { containers: [{ name: reporting, image: "reporting:1", ports: [{ containerPort: 8080 }] }] }
`,
    );
    apps(
      space,
      '    webapp: {calls: ["http://reporting:8080/"]}\n    reporting: {calls: ["http://customermanagementapi:5100/api/customers"]}\n',
    );
    const outcome = await run(space, 'canary');
    expect(outcome.stage.verdict).toBe('pass');
    expect(finding(outcome, 'FOREIGN_TRAFFIC')).toMatch(
      /also saw requests of others, which are not judged: reporting\.pitstop \([\d,]+\)/,
    );
    expect(entry(outcome, 'source', 'requests of other workloads')?.count).toBeGreaterThan(100);
    expect(outcome.stage.ledger?.closed).toBe(true);
  });

  it('a mirror of 35 % passes where 35 % are promised', async () => {
    const space = smallLoad();
    space.edit(`${PITSTOP}/customermanagementapi-mirror.yaml`, 'value: 100', 'value: 35');
    space.edit(SCENARIO, 'mirror: { v2: 100% }', 'mirror: { v2: 35% }');
    space.edit(SCENARIO, 'margin: 3%', 'margin: 8%');
    const outcome = await run(space, 'mirror');
    expect(outcome.stage.verdict).toBe('pass');
    const { verdict, reason, observed } = check(outcome, 'mirror:v2', 'destination');
    expect(verdict).toBe('pass');
    expect(observed?.share).toBeCloseTo(0.35, 1);
    expect(reason).toMatch(
      /^v2 received [\d,]+ copies of [\d,]+ primary calls; 35 % must be copied; a deviation of 8 % or more is excluded/,
    );
  });
});
