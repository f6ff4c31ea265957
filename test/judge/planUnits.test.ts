import { beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { ratio } from '../../src/base/units.js';
import { type Plan, planRun } from '../../src/judge/plan.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { ManifestObject, Scenario } from '../../src/scenario/types.js';

let pitstop: Scenario;
beforeAll(async () => {
  const loaded = await loadScenario('scenarios/pitstop');
  // Rough, so that a plan takes no time.
  const precision = { margin: ratio(0.05), errorRate: ratio(0.05), absence: ratio(0.05) };
  pitstop = { ...loaded, stages: loaded.stages.map((stage) => ({ ...stage, precision })) };
});

const replaced = (object: KubeObject, from: string | RegExp, to: string): KubeObject =>
  JSON.parse(JSON.stringify(object).replace(from, to)) as KubeObject;

/** The plan of Pitstop with objects of a kind edited as text, wherever they stand. */
function planned(kind: string, from: string | RegExp, to: string, changes: Partial<Scenario> = {}): Plan {
  const edit = (manifest: ManifestObject): ManifestObject =>
    manifest.object.kind === kind && manifest.object.metadata.name.startsWith('customermanagementapi')
      ? { ...manifest, object: replaced(manifest.object, from, to) }
      : manifest;
  return planRun({
    ...pitstop,
    stages: pitstop.stages.map((stage) => ({ ...stage, apply: stage.apply.map(edit) })),
    lab: { ...pitstop.lab, objects: pitstop.lab.objects.map(edit) },
    ...changes,
  });
}

const stageOf = (plan: Plan, name: string) => {
  const found = plan.stages.find((stage) => stage.name === name);
  if (!found) throw new Error(`no stage ${name}`);
  return found;
};

describe('a plan knows for what a version is drawn', () => {
  it('Pitstop as it is: every request is a draw', () => {
    const plan = planRun(pitstop);
    expect(plan.stages.map(({ granularity }) => granularity.unit)).toEqual(Array(5).fill('request'));
    expect(plan.stages.flatMap(({ undecidable }) => undecidable ?? [])).toEqual([]);
  });

  it('a TCP port behind the web app: connections that the load cannot renew', () => {
    const plan = planned('Service', '"name":"http"', '"name":"tcp-api"');
    const even = stageOf(plan, 'even');
    expect(even.undecidable).toMatch(
      /^the version is drawn per connection: port tcp-api is routed as TCP, .*; fresh connections of the load would not help: what is drawn for are the connections of webapp, /,
    );
    expect(even.advice).toBe(`even: not decidable from here, because ${even.undecidable}`);
    expect(even.line).toBe(even.advice);
    expect(even.verdicts).toMatchObject({ pass: 0, inconclusive: 1 });
    expect(even.checks.find(({ name }) => name === 'errors')?.undecidable).toContain('sees no requests');
    // Its selector still pins v1: there is nothing to draw.
    expect(stageOf(plan, 'v1-only').granularity.unit).toBe('request');
  });

  it('consistentHash by address: weights still draw every request, balancing draws clients', () => {
    const plan = planned(
      'DestinationRule',
      '"spec":{',
      '"spec":{"trafficPolicy":{"loadBalancer":{"consistentHash":{"useSourceIp":true}}},',
    );
    expect(stageOf(plan, 'canary').granularity.unit).toBe('request');
    expect(stageOf(plan, 'even').undecidable).toMatch(
      /^the version is drawn per client: .* comes from the same address$/,
    );
  });

  it('a load that calls the Service itself: connections, as many as it can open', () => {
    const { from: _from, ...rest } = pitstop;
    const plan = planRun({
      ...rest,
      stages: rest.stages.map((stage) => ({
        ...stage,
        expect: { ...stage.expect, errors: undefined, mirror: undefined },
      })),
      watch: { client: 'require', source: 'off', destination: 'account', graph: 'off' },
    });
    const even = stageOf(plan, 'even');
    expect(even.granularity).toMatchObject({ unit: 'connection', fresh: { helps: true } });
    const [check] = even.checks;
    expect(check).toMatchObject({ vantagePoint: 'client', counted: 'connections' });
    // A thousand users ask for 930 pages a second; 400 connections a second are what their ports last for.
    const perSecond = (plan.rates.client * 400) / ((1000 * 1000) / 1070);
    expect(check?.seconds.expected).toBeCloseTo((check?.requests.expected ?? 0) / perSecond, 0);
    expect(even.line).toMatch(/[\d,]+ connections, at most/);
  });

  it('where the files hold no such Service it says so, and plans for requests', () => {
    const plan = planRun({ ...pitstop, lab: { ...pitstop.lab, objects: [] }, stages: pitstop.stages.slice(3) });
    const [canary] = plan.stages;
    expect(canary?.granularity).toMatchObject({ unit: 'unknown' });
    expect(canary?.granularity.sentence).toContain('there is no Service customermanagementapi');
    expect(canary?.undecidable).toBeUndefined();
  });
});
