import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { millis } from '../../src/base/units.js';
import { type Lab, startLab } from '../../src/lab/lab.js';
import { seedData } from '../../src/load/seed.js';
import { startLoad } from '../../src/load/start.js';
import { clientObserver } from '../../src/observe/client.js';
import { istioObserver } from '../../src/observe/istioProxies.js';
import { kialiObserver } from '../../src/observe/kiali.js';
import { PrometheusClient } from '../../src/observe/prometheus.js';
import type { Observation, Observer } from '../../src/observe/types.js';
import { objectsBefore } from '../../src/scenario/before.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { Scenario } from '../../src/scenario/types.js';
import { until } from './load.js';

const counted = (observation: Observation) => {
  if (observation.status !== 'ok') throw new Error(observation.reason);
  return observation;
};

/** Seed data, and then users who pause 20 to 120 ms, until the test ends. */
export async function pitstopLoad(baseUrl: string, scenario: Scenario, users = 40) {
  const clock = systemClock;
  const signal = new AbortController().signal;
  const { variables, created } = await seedData({ baseUrl, names: scenario.seed, signal, clock });
  const load = startLoad(
    {
      baseUrl,
      uris: scenario.load.uris,
      variables,
      model: { kind: 'closed', users, thinkTime: { kind: 'uniform', minMs: millis(20), maxMs: millis(120) } },
      order: 'round-robin',
      seed: 3,
      timeoutMs: 10_000,
      marker: scenario.marker,
      defaultVersion: 'v1',
    },
    { clock },
  );
  onTestFinished(async () => void (await load.stop()));
  return { load, variables, created };
}

/**
 * The lab as it is at the end of the stage before `beforeStage`, with seed data, under load; the counting window is opened and closed as
 * in a release, on whichever Prometheus and Kiali are given.
 */
export async function watchLab(
  beforeStage: string,
  requests: number,
  peers: (lab: Lab) => Promise<Partial<Pick<Lab, 'prometheusUrl' | 'kialiUrl'>>> = async () => ({}),
) {
  const scenario = await loadScenario('scenarios/pitstop/scenario.yaml');
  const clock = systemClock;
  const running = await startLab({
    objects: objectsBefore(scenario, beforeStage),
    apps: scenario.lab.apps,
    scrapeIntervalMs: 200,
    propagationMs: 20,
    seed: 3,
  });
  onTestFinished(() => running.close());
  const { prometheusUrl, kialiUrl } = { ...running, ...(await peers(running)) };
  const { load: sending, variables, created } = await pitstopLoad(running.baseUrl, scenario);
  const prometheus = new PrometheusClient({ url: prometheusUrl });
  const observers: Observer[] = [
    clientObserver(() => sending.counts()),
    istioObserver({ vantagePoint: 'source', scenario, prometheus, clock }),
    istioObserver({ vantagePoint: 'destination', scenario, prometheus, clock }),
    kialiObserver({ url: kialiUrl, auth: { strategy: 'anonymous' }, scenario, clock, prometheus }),
  ];
  for (const observer of observers) await observer.check();
  const settle = async () => {
    await sending.pause();
    const now = clock.wallMs();
    for (const observer of observers) await until(() => observer.settled(now));
  };
  await until(() => sending.counts().ended > 100);
  await settle();
  // Kiali's window begins at a whole second; that second has to be a quiet one.
  await clock.sleepUntil(millis(clock.now() + 1000));
  for (const observer of observers) await observer.open();
  sending.resume();
  const before = sending.counts().ended;
  await until(() => sending.counts().ended >= before + requests, 20_000);
  await settle();
  const [client, source, destination, graph] = await Promise.all(
    observers.map(async (observer) => counted(await observer.look())),
  );
  if (!client || !source || !destination || !graph) throw new Error('four vantage points');
  return { client, source, destination, graph, created, variables };
}

export type LabWindow = Awaited<ReturnType<typeof watchLab>>;

/** What contradicts a mirror of all of v1's calls: copies are counted where they arrive, and nowhere else. */
export function mirrorMistakes({ client, source, destination }: LabWindow): string[] {
  const [sent, received] = [source.counts.versions, destination.counts.versions];
  const claims: [string, number | undefined, number | undefined][] = [
    ["the client's answers of v2", client.counts.versions.v2?.total, 0],
    ["the source's calls to v2", sent.v2?.total, 0],
    ["the destination's copies at v2", received.v2?.total, sent.v1?.total],
    ["the destination's calls to v1", received.v1?.total, sent.v1?.total],
  ];
  return claims.flatMap(([what, found, wanted]) => (found === wanted ? [] : [`${what}: ${found}, not ${wanted}`]));
}

/** The tests of one window over all vantage points, on whichever Prometheus and Kiali are given. */
export function labWindowSuite(peers?: Parameters<typeof watchLab>[2]): void {
  it('explain every request of the client', async () => {
    const { client, source, destination, graph, created, variables } = await watchLab('even', 400, peers);
    expect(created).toEqual(['customer', 'vehicle', 'maintenanceJob']);
    expect(Object.keys(variables).sort()).toEqual(['customerId', 'jobId', 'licenseNumber', 'planningDate']);

    expect(client.counts.sent).toBeGreaterThan(200);
    expect(client.counts.failed).toBe(0);
    // Every page went through the web app's proxy, and nobody else sent any.
    expect(destination.frontDoor).toBe(client.counts.sent);
    // One call for each list of customers and each details page, and no call fails.
    const pages = client.counts.byUri.reduce(
      (sum, { uri, versions, unmarked }) =>
        sum +
        (uri.startsWith('/CustomerManagement') ? unmarked + Object.values(versions).reduce((a, b) => a + b, 0) : 0),
      0,
    );
    const calls = (counts: typeof source.counts) =>
      Object.values(counts.versions).reduce((sum, { total }) => sum + total, 0);
    expect(calls(source.counts)).toBe(pages);
    expect(source.counts.unknown.total).toBe(0);
    expect(source.counts.versions.v2?.total).toBeGreaterThan(0);
    // Without mirror and retries both sides counted the same calls.
    expect(destination.counts.versions).toEqual(source.counts.versions);
    expect(client.counts.versions.v2?.total).toBeLessThanOrEqual(source.counts.versions.v2?.total ?? 0);
    // Rates extrapolate to the ends of the window; that changes counts, but hardly shares.
    const share = (counts: typeof source.counts) => (counts.versions.v2?.total ?? 0) / calls(counts);
    expect(Math.abs(share(graph.counts) - share(source.counts))).toBeLessThan(0.1);
    const overstated = calls(graph.counts) / calls(source.counts) - 1;
    expect(overstated).toBeLessThan(0.5);
    expect(overstated).toBeGreaterThan(-0.1);
    expect(graph.extrapolation).toBeGreaterThan(0);
    expect(graph.graph?.edges.length).toBeGreaterThan(3);
  });

  it('see mirror copies at the destination only', async () => {
    const seen = await watchLab('canary', 400, peers);
    expect(mirrorMistakes(seen)).toEqual([]);
    expect(seen.source.counts.versions.v1?.total).toBeGreaterThan(50);
  });
}
