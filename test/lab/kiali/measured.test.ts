import { describe, expect, test } from 'vitest';
import { Store } from '../../../src/lab/control/store.js';
import { type RunningKiali, startKiali } from '../../../src/lab/kiali/server.js';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { Storage } from '../../../src/lab/prometheus/storage.js';
import { bothSides, feedStreams, type Stream } from '../../support/telemetry.js';

const NOW_SECONDS = 1_760_000_000;
const SERVICE = 'customermanagementapi';

interface GraphNode {
  readonly id: string;
  readonly nodeType: string;
  readonly service?: string;
  readonly workload?: string;
  readonly version?: string;
  readonly isIdle?: boolean;
  readonly traffic?: { readonly protocol: string; readonly rates: Record<string, string> }[];
}
interface GraphEdge {
  readonly source: string;
  readonly target: string;
  readonly traffic: {
    readonly rates?: Record<string, string>;
    readonly responses?: Record<string, { flags: Record<string, string> }>;
  };
}

function pitstop(): Store {
  const store = new Store();
  store.put('namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'pitstop', creationTimestamp: '2020-01-01T00:00:00Z' },
  });
  return store;
}

/** Traffic of the web app to its three services, that to the customer service as given. */
const webapp = (toCustomers: readonly Stream[]): Stream[] => [
  ...toCustomers,
  ...bothSides({ from: 'webapp-v1', to: 'vehicles-v1', service: 'vehicles', rate: 8 }),
  ...bothSides({ from: 'webapp-v1', to: 'vehicles-v1', service: 'vehicles', rate: 2, code: '500' }),
  ...bothSides({ from: 'webapp-v1', to: 'workshop-v1', service: 'workshop', rate: 5 }),
];
const split = (v1: number, v2: number): Stream[] => [
  ...bothSides({ from: 'webapp-v1', to: 'customers-v1', service: SERVICE, rate: v1 }),
  ...bothSides({ from: 'webapp-v1', to: 'customers-v2', service: SERVICE, rate: v2 }),
];

let kiali: RunningKiali;
let prometheus: RunningPrometheus;

async function graph(streams: readonly Stream[], parameters: Record<string, string> = {}) {
  const storage = new Storage();
  feedStreams(storage, streams, NOW_SECONDS * 1000);
  prometheus = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage });
  kiali = await startKiali({ store: pitstop(), prometheusUrl: prometheus.url });
  const query = new URLSearchParams({
    namespaces: 'pitstop',
    graphType: 'versionedApp',
    injectServiceNodes: 'true',
    duration: '60s',
    queryTime: String(NOW_SECONDS),
    ...parameters,
  });
  const response = await fetch(`${kiali.url}/api/namespaces/graph?${query}`);
  expect(response.status).toBe(200);
  const { elements } = (await response.json()) as {
    elements: { nodes: { data: GraphNode }[]; edges: { data: GraphEdge }[] };
  };
  await kiali.close();
  await prometheus.close();
  const nodes = elements.nodes.map(({ data }) => data);
  const named = (name: string) => nodes.find(({ service, workload }) => service === name || workload === name);
  return {
    nodes,
    edges: elements.edges.map(({ data }) => data),
    node: named,
    edge: (from: string, to: string) =>
      elements.edges.find(({ data }) => data.source === named(from)?.id && data.target === named(to)?.id)?.data.traffic,
    rates: (name: string) => named(name)?.traffic?.find(({ protocol }) => protocol === 'http')?.rates,
  };
}

describe('the graph has the figures measured at a real Kiali 1.89', () => {
  test('90/10: the service splits 9.00 (90.0) to 1.00 (10.0)', async () => {
    const { edge, rates } = await graph(webapp(split(9, 1)));
    expect(edge(SERVICE, 'customers-v1')?.rates).toEqual({ http: '9.00', httpPercentReq: '90.0' });
    expect(edge(SERVICE, 'customers-v2')?.rates).toEqual({ http: '1.00', httpPercentReq: '10.0' });
    expect(edge('vehicles', 'vehicles-v1')?.rates).toEqual({
      http: '10.00',
      http5xx: '2.00',
      httpPercentErr: '20.0',
      httpPercentReq: '100.0',
    });
    expect(rates('webapp-v1')).toEqual({ httpOut: '25.00' });
  });

  test('without service nodes the percentage is of all the requests the client sends', async () => {
    const { edge } = await graph(webapp(split(9, 1)), { injectServiceNodes: 'false' });
    expect(edge('webapp-v1', 'customers-v2')?.rates).toEqual({ http: '1.00', httpPercentReq: '4.0' });
  });

  test('mirror 100 %: copies look like ordinary traffic of v2 and double what the service takes in', async () => {
    const streams: Stream[] = [
      ...bothSides({ from: 'webapp-v1', to: 'customers-v1', service: SERVICE, rate: 10 }),
      { reporter: 'destination', from: 'webapp-v1', to: 'customers-v2', service: SERVICE, rate: 10 },
    ];
    const { edge, rates } = await graph(webapp(streams));
    expect(edge(SERVICE, 'customers-v1')?.rates).toEqual({ http: '10.00', httpPercentReq: '50.0' });
    expect(edge(SERVICE, 'customers-v2')?.rates).toEqual({ http: '10.00', httpPercentReq: '50.0' });
    expect(rates(SERVICE)).toEqual({ httpIn: '20.00', httpOut: '20.00' });
  });

  test('abort 25 %: the aborted end at the service node', async () => {
    const streams: Stream[] = [
      ...split(6.75, 0.75),
      { reporter: 'source', from: 'webapp-v1', service: SERVICE, rate: 2.5, code: '500', flags: 'FI' },
    ];
    const { edge, rates } = await graph(webapp(streams));
    expect(edge('webapp-v1', SERVICE)?.rates?.http).toBe('10.00');
    expect(edge('webapp-v1', SERVICE)?.responses?.['500']?.flags).toEqual({ FI: '25.0' });
    expect(rates(SERVICE)).toEqual({ httpIn: '10.00', httpIn5xx: '2.50', httpOut: '7.50' });
    expect(edge(SERVICE, 'customers-v2')?.rates?.httpPercentReq).toBe('10.0');
  });

  test('v2 fails once and the retry succeeds: v2 is inflated and half of it failed', async () => {
    const streams: Stream[] = [
      { reporter: 'source', from: 'webapp-v1', to: 'customers-v1', service: SERVICE, rate: 9 },
      { reporter: 'source', from: 'webapp-v1', to: 'customers-v2', service: SERVICE, rate: 1 },
      { reporter: 'destination', from: 'webapp-v1', to: 'customers-v1', service: SERVICE, rate: 9 },
      { reporter: 'destination', from: 'webapp-v1', to: 'customers-v2', service: SERVICE, rate: 1 },
      { reporter: 'destination', from: 'webapp-v1', to: 'customers-v2', service: SERVICE, rate: 1, code: '503' },
    ];
    const { edge } = await graph(webapp(streams));
    expect(edge(SERVICE, 'customers-v1')?.rates).toEqual({ http: '9.00', httpPercentReq: '81.8' });
    expect(edge(SERVICE, 'customers-v2')?.rates).toEqual({
      http: '2.00',
      http5xx: '1.00',
      httpPercentErr: '50.0',
      httpPercentReq: '18.2',
    });
  });

  test('v2 without endpoints: no edge to it, and UH on the way to the service', async () => {
    const streams: Stream[] = [
      ...bothSides({ from: 'webapp-v1', to: 'customers-v1', service: SERVICE, rate: 9 }),
      { reporter: 'source', from: 'webapp-v1', service: SERVICE, rate: 1, code: '503', flags: 'UH' },
    ];
    const { edge, node } = await graph(webapp(streams));
    expect(edge(SERVICE, 'customers-v1')?.rates).toEqual({ http: '9.00', httpPercentReq: '100.0' });
    expect(node('customers-v2')).toBeUndefined();
    expect(edge('webapp-v1', SERVICE)?.responses?.['503']?.flags).toEqual({ UH: '10.0' });
  });

  test('the destination counts where both proxies report: source 5.00, destination 1.00 is 1.00', async () => {
    const streams: Stream[] = [
      { reporter: 'source', from: 'webapp-v1', to: 'customers-v1', service: SERVICE, rate: 5 },
      { reporter: 'destination', from: 'webapp-v1', to: 'customers-v1', service: SERVICE, rate: 1 },
    ];
    const { edge } = await graph(streams);
    expect(edge(SERVICE, 'customers-v1')?.rates?.http).toBe('1.00');
  });
});
