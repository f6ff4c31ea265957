import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { literalPattern } from '../../src/base/patterns.js';
import { clientObserver } from '../../src/observe/client.js';
import { CounterGrowth } from '../../src/observe/counters.js';
import {
  countByProxy,
  countRequests,
  newestSamples,
  oldestScrape,
  serviceSelectors,
  sumByVersion,
} from '../../src/observe/istioCounts.js';
import { extrapolationBound } from '../../src/observe/kiali.js';
import { parsePrometheusDuration, selector } from '../../src/observe/prometheus.js';
import { versionMapper } from '../../src/observe/versions.js';
import { istioLabels, WATCHED } from '../support/observe.js';

describe('growth of counters', () => {
  const sample = (series: string, value: number) => ({ labels: { pod: series }, value });
  test.each([
    ['a series in the base counts its difference', [['a', 100]], [[['a', 130]]], { a: 30 }, 0],
    ['a series born later counts from 0', [], [[['a', 37]]], { a: 37 }, 0],
    ['one that never moves counts 0', [['a', 5]], [[['a', 5]]], { a: 0 }, 0],
    ['a restart counts the new value on top', [['a', 100]], [[['a', 130]], [['a', 4]]], { a: 34 }, 1],
    ['a vanished series keeps what it had', [['a', 1]], [[['a', 9]], []], { a: 8 }, 0],
    ['a series that comes back goes on', [['a', 1]], [[], [['a', 9]]], { a: 8 }, 0],
    ['two restarts of one proxy are one proxy', [], [[['a', 5]], [['a', 3]], [['a', 1]]], { a: 9 }, 1],
  ] as const)('%s', (_case, base, updates, expected, resets) => {
    const growth = new CounterGrowth(base.map(([series, value]) => sample(series, value)));
    for (const update of updates) {
      growth.update((update as readonly (readonly [string, number])[]).map(([name, value]) => sample(name, value)));
    }
    expect(Object.fromEntries(growth.rows().map(({ labels, value }) => [labels.pod, value]))).toEqual(expected);
    expect(growth.resets).toBe(resets);
  });

  it('knows a series by its labels, in any order, with or without the name of the metric', () => {
    const growth = new CounterGrowth([{ labels: { __name__: 'istio_requests_total', a: '1', b: '2' }, value: 10 }]);
    growth.update([{ labels: { b: '2', a: '1' }, value: 15 }]);
    growth.update([{ labels: { a: '1', b: '2', c: '3' }, value: 7 }]);
    expect(growth.rows().map(({ value }) => value)).toEqual([5, 7]);
  });

  it('equals the requests that really came, for any births, deaths and restarts seen at each look', () => {
    // Each step of a pod: requests, then perhaps a restart, a death or a new pod; every step ends with a look.
    const step = fc.record({
      pod: fc.nat(3),
      requests: fc.integer({ min: 0, max: 50 }),
      event: fc.constantFrom('none', 'none', 'restart', 'die', 'replace'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 10 }), fc.array(step, { maxLength: 40 }), (before, during) => {
        const pods = new Map<number, { name: string; counter: number }>();
        let births = 0;
        const play = ({ pod, requests, event }: { pod: number; requests: number; event: string }) => {
          if (!pods.has(pod) || event === 'replace') pods.set(pod, { name: `pod-${pod}-${births++}`, counter: 0 });
          const current = pods.get(pod)!;
          // A restart that passes the old value between two looks cannot be seen by anybody.
          if (event === 'restart' && requests < current.counter) current.counter = 0;
          current.counter += requests;
          if (event === 'die') return current;
          return undefined;
        };
        const look = (dying?: { name: string; counter: number }) =>
          [...pods.values(), ...(dying && ![...pods.values()].includes(dying) ? [dying] : [])].map((each) =>
            sample(each.name, each.counter),
          );
        for (const each of before) play(each);
        const growth = new CounterGrowth(look());
        let truth = 0;
        for (const each of during) {
          const dying = play(each);
          truth += each.requests;
          growth.update(look(dying));
          if (dying) pods.delete(each.pod);
        }
        expect(growth.rows().reduce((sum, { value }) => sum + value, 0)).toBe(truth);
      }),
      { seed: 21, numRuns: 500 },
    );
  });
});

describe('version of a destination', () => {
  const own = versionMapper({ v1: { version: '1.0' }, v2: { version: '2.0' } });
  test.each([
    ['the canonical revision tells', { revision: '2.0', version: '1.0', workload: 'x-v1' }, 'v2'],
    ['then the version, when the revision is another label', { revision: 'r7', version: '2.0', workload: 'x' }, 'v2'],
    [
      'then the end of the workload, by label value',
      { revision: 'latest', version: 'unknown', workload: 'x-1.0' },
      'v1',
    ],
    ['or by name of the version', { revision: 'latest', version: 'unknown', workload: 'x-v2' }, 'v2'],
    ['no host was picked: nothing tells', { revision: 'latest', version: 'unknown', workload: 'unknown' }, undefined],
    ['a third version is none of ours', { revision: '3.0', version: '3.0', workload: 'x-v3' }, undefined],
  ])('%s', (_case, destination, expected) => {
    expect(own(destination)).toBe(expected);
  });

  it('takes the version label first, whatever else tells the pods apart', () => {
    const map = versionMapper({ a: { app: 'shop', version: '1' }, b: { app: 'shop', version: '2' } });
    expect(map({ revision: '2', version: '', workload: '' })).toBe('b');
    expect(map({ revision: 'shop', version: '', workload: '' })).toBeUndefined();
  });
});

describe('accounts of the proxies', () => {
  const rows = (...entries: [Record<string, string>, number][]) =>
    entries.map(([labels, value]) => ({ labels, value }));
  const source = (version: string, extra?: Record<string, string>) => istioLabels('source', version, extra);

  it('sorts by version, with 5xx and no response as failures', () => {
    const counts = countRequests(
      rows(
        [source('v1'), 80],
        [source('v1', { response_code: '404' }), 3],
        [source('v2'), 9],
        [source('v2', { response_code: '500' }), 2],
        [source('v2', { response_code: '0', response_flags: 'DC' }), 1],
      ),
      WATCHED,
    );
    expect(counts.versions).toEqual({ v1: { total: 83, failed: 0 }, v2: { total: 12, failed: 3 } });
    expect(counts.unknown).toEqual({ total: 0, failed: 0 });
    expect(counts.failed).toBe(3);
    expect(counts.responses).toEqual({ '200 -': 89, '404 -': 3, '500 -': 2, '0 DC': 1 });
  });

  it('keeps what reached no version apart: no endpoint, no cluster, no route, aborted', () => {
    const lost = {
      destination_workload: 'unknown',
      destination_version: 'unknown',
      destination_canonical_service: 'unknown',
      destination_canonical_revision: 'latest',
      destination_workload_namespace: 'unknown',
    };
    const host = {
      destination_service: 'customermanagementapi:5100',
      destination_service_name: 'customermanagementapi:5100',
      destination_service_namespace: 'unknown',
    };
    const counts = countRequests(
      rows(
        [source('', { ...lost, response_code: '503', response_flags: 'UH' }), 5],
        [source('', { ...lost, ...host, response_code: '503', response_flags: 'NC' }), 4],
        [source('', { ...lost, ...host, response_code: '404', response_flags: 'NR' }), 3],
        [source('', { ...lost, response_code: '418', response_flags: 'FI,DI' }), 2],
        [source('', { ...lost, response_code: '418', response_flags: 'DI,FI' }), 2],
      ),
      WATCHED,
    );
    expect(counts.unknown).toEqual({ total: 16, failed: 9 });
    expect(counts.responses).toEqual({ '503 UH': 5, '503 NC': 4, '404 NR': 3, '418 DI,FI': 4 });
  });

  it('attributes a request whose proxy did not answer by its canonical revision', () => {
    const silent = {
      destination_version: 'unknown',
      destination_app: 'unknown',
      response_code: '503',
      response_flags: 'URX,UF',
    };
    const counts = countRequests(rows([source('v2', silent), 7]), WATCHED);
    expect(counts.versions.v2).toEqual({ total: 7, failed: 7 });
    expect(counts.responses).toEqual({ '503 UF,URX': 7 });
  });

  it('leaves other callers out and names them', () => {
    const counts = countRequests(
      rows(
        [source('v1'), 10],
        [source('v1', { source_workload: 'batch' }), 4],
        [source('v2', { source_workload: 'batch' }), 1],
        [source('v1', { source_workload_namespace: 'other' }), 2],
        [source('v1', { source_workload: 'unknown', source_workload_namespace: 'unknown' }), 3],
        [source('v1', { source_workload: 'idle' }), 0],
      ),
      WATCHED,
    );
    expect(counts.versions.v1?.total).toBe(10);
    expect(counts.foreign).toEqual({ 'batch.pitstop': 5, 'webapp.other': 2, 'unknown.unknown': 3 });
    expect(counts.foreignVersions).toEqual({ v1: 9, v2: 1 });
  });

  it('tells the proxies of the judged workload apart, by pod or by what is scraped', () => {
    const [a, b] = [{ pod: 'webapp-a' }, { instance: '10.0.0.2:15020' }];
    const counted = rows(
      [source('v1', a), 10],
      [source('v1', { ...a, response_code: '500' }), 2],
      [source('v2', b), 7],
      [source('v2', { ...b, source_workload: 'batch' }), 100],
      [source('v3', b), 50],
    );
    expect(countByProxy(counted, WATCHED)).toEqual([
      { name: '10.0.0.2:15020', versions: { v1: 0, v2: 7 } },
      { name: 'webapp-a', versions: { v1: 12, v2: 0 } },
    ]);
    expect(sumByVersion(counted, WATCHED)).toEqual({ v1: 12, v2: 7 });
  });

  test.each([
    [
      'the Service of the same name in another namespace',
      { destination_service_namespace: 'shop', destination_workload_namespace: 'shop' },
      0,
    ],
    [
      'a longer name',
      { destination_service_name: 'customermanagementapi-admin', destination_canonical_service: 'admin' },
      0,
    ],
    [
      'a Service for one version, as a route of the Gateway API names it',
      { destination_service_name: 'customermanagementapi-v1' },
      6,
    ],
    [
      'a host with its namespace',
      {
        destination_canonical_service: 'unknown',
        destination_service_namespace: 'unknown',
        destination_service_name: 'customermanagementapi.pitstop.svc.cluster.local:5100',
      },
      6,
    ],
    [
      'a host of another namespace',
      {
        destination_canonical_service: 'unknown',
        destination_service_namespace: 'unknown',
        destination_service_name: 'customermanagementapi.shop:5100',
      },
      0,
    ],
    [
      'a short host means the namespace of its caller',
      {
        destination_canonical_service: 'unknown',
        destination_service_namespace: 'unknown',
        destination_service_name: 'customermanagementapi:5100',
      },
      6,
    ],
  ])('is it a request of the service: %s', (_case, extra, expected) => {
    expect(countRequests(rows([source('v1', extra), 6]), WATCHED).versions.v1?.total).toBe(expected);
  });

  it('tolerates labels that a Telemetry object has removed', () => {
    const { source_workload: _removed, ...labels } = source('v1');
    expect(countRequests(rows([labels, 2]), WATCHED).foreign).toEqual({ 'unknown.pitstop': 2 });
  });
});

describe('queries', () => {
  it('quotes what stands in names', () => {
    expect(selector('m', [['a', '=', 'x"y\\z\n']])).toBe('m{a="x\\"y\\\\z\\n"}');
    expect(literalPattern('a.b+c')).toBe('a\\.b\\+c');
  });

  it('reads raw counters of both ways to name the service, and their scrape times', () => {
    const selectors = serviceSelectors('source', WATCHED);
    expect(newestSamples(selectors)).toBe(
      'last_over_time(istio_requests_total{reporter="source",destination_service_name=~"customermanagementapi(\\\\..*)?(:[0-9]+)?"}[5m])' +
        ' or last_over_time(istio_requests_total{reporter="source",destination_canonical_service="customermanagementapi",destination_workload_namespace="pitstop"}[5m])',
    );
    expect(oldestScrape(['a', 'b'])).toBe('min(timestamp(a) or timestamp(b))');
  });
});

describe('extrapolation of rates', () => {
  test.each([
    ['15s', 15_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1h', 3_600_000],
    ['soon', 0],
    ['', 0],
  ])('a scrape interval of %j is %d ms', (text, expected) => {
    expect(parsePrometheusDuration(text)).toBe(expected);
  });

  it('bounds what Prometheus can make of any samples in a window', () => {
    // rate() of a counter that grew by 1 between its first and last sample, by Prometheus' own rule for the ends.
    const overstated = (windowSeconds: number, first: number, last: number, interval: number) => {
      const end = (gap: number) => (gap < 1.1 * interval ? gap : interval / 2);
      return (last - first + end(first) + end(windowSeconds - last)) / (last - first) - 1;
    };
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 120 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (windowSeconds, phase) => {
          const last = phase + Math.floor(windowSeconds - phase);
          const bound = extrapolationBound(windowSeconds, 1000);
          expect(overstated(windowSeconds, phase, last, 1)).toBeLessThanOrEqual(bound);
        },
      ),
      { seed: 8, numRuns: 500 },
    );
  });
});

describe('client', () => {
  const counts = (v1: number, v2: number, unmarked: number, failed: number) => ({
    sent: v1 + v2 + unmarked + failed,
    ended: v1 + v2 + unmarked + failed,
    versions: { v1, v2 },
    unmarked,
    failed,
    dropped: 0,
    bytesReceived: 0,
    status: {},
    errors: {},
    byUri: [{ uri: '/d', versions: { v1, v2 }, unmarked, failed }],
  });

  it('gives what was counted since the window opened', async () => {
    let now = counts(100, 10, 50, 5);
    const observer = clientObserver(() => now);
    await observer.check();
    await observer.open();
    now = counts(190, 20, 60, 6);
    expect(await observer.look()).toMatchObject({
      status: 'ok',
      rounding: 0,
      counts: {
        versions: { v1: { total: 90, failed: 0 }, v2: { total: 10, failed: 0 } },
        unmarked: 10,
        failed: 1,
        sent: 111,
        byUri: [{ uri: '/d', versions: { v1: 90, v2: 10 }, unmarked: 10, failed: 1 }],
      },
    });
    expect(await observer.settled(Number.MAX_SAFE_INTEGER)).toBe(true);
  });

  it('tells what its connections showed since the window opened', async () => {
    const connections = (pairs: number, agreeing: number, v2: number) => ({
      ...{ opened: 1, fresh: 0, pairs, agreeing },
      first: v2 === 0 ? { v1: 4 } : { v1: 5, v2 },
    });
    let now = { ...counts(100, 10, 0, 0), connections: connections(50, 45, 0) };
    const observer = clientObserver(() => now);
    await observer.open();
    now = { ...counts(200, 20, 0, 0), connections: connections(90, 80, 3) };
    expect(await observer.look()).toMatchObject({
      clientConnections: { pairs: 40, agreeing: 35, first: { v1: 1, v2: 3 } },
    });
  });

  it('says that no load is running instead of giving zeros', async () => {
    const observer = clientObserver(() => undefined);
    await expect(observer.open()).rejects.toThrow('no load');
    expect(await observer.look()).toMatchObject({ status: 'no-data', reason: expect.stringContaining('no load') });
  });
});
