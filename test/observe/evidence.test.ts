import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { gatherEvidence, seriesFacts, targetsOf } from '../../src/observe/evidence.js';
import type { Sample } from '../../src/observe/prometheus.js';
import type { Observer } from '../../src/observe/types.js';
import { istioLabels, WATCHED } from '../support/observe.js';

const SCRAPE = { job: 'pods', namespace: 'pitstop', pod: 'webapp-1', instance: '10.0.0.1:15020' };
const row = (version: string, value: number, extra: Record<string, string> = {}): Sample => ({
  labels: { ...istioLabels('source', version), ...SCRAPE, ...extra },
  value,
});

describe('what series tell beside the counts', () => {
  it('responses by version, with their flags in one order', () => {
    const { responses } = seriesFacts(
      [
        row('v1', 90),
        row('v2', 6, { response_code: '503', response_flags: 'URX,UF' }),
        row('v2', 4, { response_code: '503', response_flags: 'UF,URX' }),
        row('v2', 0, { response_code: '500' }),
        row('', 3, { destination_workload: 'unknown', response_code: '503', response_flags: 'UH' }),
        row('v2', 50, { source_workload: 'mobile' }),
      ],
      WATCHED,
    );
    expect(responses).toEqual({ v1: { '200 -': 90 }, v2: { '503 UF,URX': 10 }, unknown: { '503 UH': 3 } });
  });

  it('who answered, whoever called, as the labels say it; the most frequent first', () => {
    const { labels } = seriesFacts(
      [row('v1', 5), row('v2', 20, { source_workload: 'mobile' }), row('v2', 10, { pod: 'webapp-2' })],
      WATCHED,
    );
    const of = (version: string, count: number) => ({
      service: 'customermanagementapi',
      workload: `customermanagementapi-${version}`,
      version,
      revision: version,
      count,
    });
    expect(labels).toEqual([of('v2', 30), of('v1', 5)]);
  });

  it('which proxy counted how much, by the pod or else by the address', () => {
    const { proxies } = seriesFacts(
      [
        row('v1', 5),
        row('v2', 1),
        { labels: { ...istioLabels('source', 'v1'), instance: '10.0.0.9:15020' }, value: 2 },
      ],
      WATCHED,
    );
    expect(proxies).toEqual({ 'webapp-1': { v1: 5, v2: 1 }, '10.0.0.9:15020': { v1: 2 } });
  });

  it('requests to another Service of the namespace are not among it', () => {
    const other = { destination_service_name: 'orders', destination_canonical_service: 'orders' };
    expect(seriesFacts([row('v1', 5, other)], WATCHED)).toEqual({ responses: {}, labels: [], proxies: {}, copies: [] });
  });
});

describe('copies of a proxy', () => {
  test.each([
    ['one job scrapes once', [row('v1', 5), row('v2', 5)], []],
    [
      'two jobs scrape the same pod, at two ports',
      [row('v1', 5), row('v2', 1), row('v1', 5, { job: 'envoy', instance: '10.0.0.1:15090' })],
      [{ 'instance="10.0.0.1:15020", job="pods"': 6, 'instance="10.0.0.1:15090", job="envoy"': 5 }],
    ],
    [
      'two replicas of Prometheus behind one address',
      [row('v1', 5, { prometheus_replica: 'a' }), row('v1', 4, { prometheus_replica: 'b' })],
      [{ 'prometheus_replica="a"': 5, 'prometheus_replica="b"': 4 }],
    ],
    ['a job that counted nothing in the window', [row('v1', 5), row('v1', 0, { job: 'old' })], []],
    ['two pods', [row('v1', 5), row('v1', 5, { pod: 'webapp-2', instance: '10.0.0.2:15020' })], []],
  ] as const)('%s', (_says, rows, copies) => {
    expect(seriesFacts(rows, WATCHED).copies.map(({ counts }) => counts)).toEqual(copies);
  });

  it('loses no request: proxies, labels and copies add up to what grew, for any series', () => {
    const series = fc.record({
      version: fc.constantFrom('v1', 'v2'),
      value: fc.nat(1000),
      extra: fc.record({
        pod: fc.constantFrom('a', 'b'),
        job: fc.constantFrom('x', 'y'),
        source_workload: fc.constantFrom('webapp', 'mobile'),
        response_code: fc.constantFrom('200', '503'),
      }),
    });
    const sum = (counts: object): number =>
      Object.values(counts).reduce(
        (total: number, each: unknown) => total + (typeof each === 'number' ? each : sum(each as object)),
        0,
      );
    fc.assert(
      fc.property(fc.array(series, { maxLength: 30 }), (all) => {
        const rows = all.map(({ version, value, extra }) => row(version, value, extra));
        const grown = all.reduce((total, { value }) => total + value, 0);
        const own = all.reduce(
          (total, { value, extra }) => total + (extra.source_workload === 'webapp' ? value : 0),
          0,
        );
        const { responses, labels, proxies, copies } = seriesFacts(rows, WATCHED);
        expect(sum(proxies)).toBe(grown);
        expect(labels.reduce((total, { count }) => total + count, 0)).toBe(grown);
        expect(sum(responses)).toBe(own);
        for (const { proxy, counts } of copies) expect(sum(counts)).toBe(sum(proxies[proxy] ?? {}));
      }),
    );
  });
});

it('targets are named by their pod, and known to be up or not', () => {
  const sample = (labels: Record<string, string>, value: number) => ({ labels, value });
  expect(targetsOf([sample({ pod: 'b', instance: '1' }, 0), sample({ instance: '10.0.0.1:1' }, 1)])).toEqual([
    { name: '10.0.0.1:1', up: true },
    { name: 'b', up: false },
  ]);
});

it('evidence is what every vantage point has to tell; those without any are not asked', async () => {
  const observer = (evidence?: Observer['evidence']): Observer => ({
    vantagePoint: 'source',
    check: async () => {},
    open: async () => {},
    look: async () => ({ status: 'no-data', vantagePoint: 'source', reason: '' }),
    settled: async () => true,
    ...(evidence ? { evidence } : {}),
  });
  const facts = seriesFacts([row('v1', 1)], WATCHED);
  const told = await gatherEvidence([
    observer(),
    observer(async () => ({ source: facts })),
    observer(async () => ({ targets: [] })),
  ]);
  expect(told).toEqual({ source: facts, targets: [] });
});
