import { afterEach, describe, expect, test } from 'vitest';
import { millis } from '../../src/base/units.js';
import { type Lab, startLab } from '../../src/lab/lab.js';
import { bundleScript } from '../../src/load/k6/bundle.js';
import { type HeavyResult, invalidBecause } from '../../src/load/k6/heavyResult.js';
import type { LoadSpec } from '../../src/load/types.js';
import type { HeavyEvent } from '../../src/release/heavyTypes.js';
import { heavyLoad, leftBy, SMALL } from '../support/heavy.js';
import { APP, manifests, V1 } from '../support/labPitstop.js';
import { findPeer } from '../support/peers.js';
import { eventually } from '../support/poll.js';

const k6 = findPeer('k6');

let lab: Lab;
afterEach(() => lab?.close());

/** Pitstop's web application in the mesh, and a namespace for runners. */
async function pitstop(...customers: string[]): Promise<void> {
  const objects = manifests(...APP, ...(customers.length > 0 ? customers : V1));
  lab = await startLab({ objects, apps: {}, propagationMs: 100, scrapeIntervalMs: 200, k6 });
  lab.store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'load' } });
  await eventually(() => {
    for (const { status } of lab.store.list('deployments.apps', 'pitstop')) expect(status?.availableReplicas).toBe(1);
  }, 20_000);
}

const uri = (target: string, weight?: number) => ({
  method: 'GET',
  target,
  headers: {},
  line: 1,
  ...(weight === undefined ? {} : { weight }),
});
const spec: LoadSpec = {
  ...SMALL,
  baseUrl: 'http://webapp.pitstop:7005',
  uris: [uri('/'), uri('/CustomerManagement', 2), uri('/nowhere')],
  model: { kind: 'closed', users: 7, thinkTime: { kind: 'uniform', minMs: millis(10), maxMs: millis(60) } },
  timeoutMs: 10_000,
  durationMs: 4000,
};

/** Requests that a workload's own sidecar has counted. */
async function counted(workload: string, by: string, more = ''): Promise<Record<string, number>> {
  const query = `sum by (${by}) (istio_requests_total{reporter="destination",destination_workload=~"${workload}"${more}})`;
  const answer = await fetch(`${lab.prometheusUrl}/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = (await answer.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return Object.fromEntries(data.result.map(({ metric, value }) => [metric[by] ?? '', Number(value[1])]));
}

/** What makes the load invalid, but for a machine whose cores others had: counts have to be right all the same. */
const faultsOf = (result: HeavyResult) =>
  invalidBecause(result).filter((reason) => !/think time was over/.test(reason));

/** The web application's own count, once it is scraped. */
const agreesWithWebapp = ({ merged: { counts } }: HeavyResult) =>
  eventually(async () => expect(await counted('webapp', 'response_code')).toEqual(counts.status));

describe.skipIf(!k6)('a load from the pods of a TestRun, with the real k6', () => {
  test('three processes with three segments: as many requests as the web application counted, by status', async () => {
    await pitstop();
    const stages: string[] = [];
    const emit = (event: HeavyEvent) => {
      if (event.type === 'stage') stages.push(event.stage);
    };
    const result = await heavyLoad(lab, {
      script: await bundleScript('replay'),
      spec,
      runners: { parallelism: 3 },
      emit,
    });
    const { merged, runners } = result;
    expect(faultsOf(result)).toEqual([]);
    expect(merged.counts.sent).toBe(merged.counts.ended);
    expect(merged.counts.failed).toBe(merged.counts.status[404]);
    expect(merged.counts.byUri.map(({ uri: name, unmarked, failed }) => [name, unmarked > 0, failed > 0])).toEqual([
      ['/', true, false],
      ['/CustomerManagement', true, false],
      ['/nowhere', false, true],
    ]);
    // Seven users: three segments have two or three each.
    expect(runners).toMatchObject([1, 2, 3].map((index) => ({ index, exitCode: 0, differences: [] })));
    for (const { own } of runners) expect(own?.requests).toBeGreaterThan(0);
    await agreesWithWebapp(result);
    expect(stages).toContain('started');
    expect(leftBy(lab)).toEqual([]);
  });

  test('an interrupt: what had been sent is counted to the request, and nothing is left', async () => {
    await pitstop();
    const interrupt = new AbortController();
    const result = await heavyLoad(lab, {
      script: await bundleScript('replay'),
      spec: { ...spec, durationMs: 60_000 },
      signal: interrupt.signal,
      emit: (event) => {
        if (event.type === 'progress' && event.merged.counts.ended > 50) interrupt.abort('SIGINT');
      },
    });
    expect(result).toMatchObject({
      cut: 'interrupted',
      runners: [{ exitCode: 103, differences: [] }, { differences: [] }],
    });
    // Requests under way when k6 was told to stop have reached the server, but have no answer.
    await eventually(async () => {
      const { 200: ok = 0, 404: missing = 0 } = await counted('webapp', 'response_code');
      expect(ok + missing).toBeGreaterThanOrEqual(result.merged.counts.ended);
      expect(ok + missing).toBeLessThanOrEqual(result.merged.counts.sent);
    });
    expect(leftBy(lab)).toEqual([]);
  });

  test('the routes of the mesh apply to runners with a sidecar, and to no others', async () => {
    await pitstop(
      'customermanagementapi-v1.yaml',
      'customermanagementapi-v2.yaml',
      'customermanagementapi-svc-open.yaml',
      'customermanagementapi-dr.yaml',
      'customermanagementapi-canary.yaml',
    );
    const api: LoadSpec = {
      ...spec,
      baseUrl: 'http://customermanagementapi.pitstop:5100',
      uris: [uri('/api/customers')],
      model: { kind: 'closed', users: 7, thinkTime: { kind: 'constant', ms: millis(5) } },
      durationMs: 3000,
    };
    const script = await bundleScript('replay');
    const shares: number[] = [];
    for (const sidecar of [false, true]) {
      const result = await heavyLoad(lab, { script, spec: api, runners: { sidecar } });
      expect(faultsOf(result)).toEqual([]);
      await eventually(async () => {
        const from = sidecar ? ',source_workload!="unknown"' : ',source_workload="unknown"';
        const { v1 = 0, v2 = 0 } = await counted('customermanagementapi.*', 'destination_version', from);
        expect(v1 + v2).toBe(result.merged.counts.ended);
        shares[Number(sidecar)] = v2 / (v1 + v2);
      });
    }
    // Two pods behind a Service drawn by connection, and 10 % of hundreds of requests drawn one by one.
    expect(shares[0]).not.toBeCloseTo(0.1, 1);
    expect(shares[1]).toBeCloseTo(0.1, 1);
  });

  const throwing = (where: string) =>
    `export const options = { vus: 2, iterations: 2, thresholds: { iterations: ['count>9'] } };
     ${where === 'init' ? "throw new Error('in the init code');" : ''}
     export function setup() { ${where === 'setup' ? "throw new Error('in setup');" : ''} }
     export default function () {}`;

  test('a script that throws when it is read ends in the stage error, with what it threw', async () => {
    await pitstop();
    await expect(heavyLoad(lab, { script: throwing('init') })).rejects.toMatchObject({
      code: 'E_TESTRUN',
      message: expect.stringContaining('in the init code'),
    });
    expect(leftBy(lab)).toEqual([]);
  });

  test.each<[string, string, RegExp]>([
    ['throws in setup', 'setup', /107.*in setup/],
    ['crosses a threshold', 'nowhere', /99/],
  ])('a script that %s: the stage says finished, the exit codes do not', async (_, where, fault) => {
    await pitstop();
    const result = await heavyLoad(lab, { script: throwing(where) });
    expect(invalidBecause(result)[0]).toMatch(fault);
    expect(leftBy(lab)).toEqual([]);
  });
});
