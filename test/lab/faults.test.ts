import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { objectRef } from '../../src/base/kubernetes.js';
import { labReady } from '../../src/cli/labReady.js';
import { type Lab, type LabOptions, startLab } from '../../src/lab/lab.js';
import {
  appsOf,
  both,
  deployment,
  image,
  NAMESPACE,
  put,
  scenarioOf,
  subsets,
  without,
  zones,
} from '../confusion/app.js';
import { atGateway, INGRESS } from '../confusion/gateway.js';
import type { Trial } from '../confusion/types.js';
import { HOME } from '../confusion/world.js';
import { clientOf } from '../support/cluster.js';
import { eventually } from '../support/poll.js';

const APPS = appsOf(HOME);

let lab: Lab | undefined;

afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

const twoOfV1 = put(deployment('shop-v1', 'shop', 'v1', { replicas: 2 }));

/** The shop with its route in force and every pod ready, and what goes wrong in it. */
async function shop(options: Partial<LabOptions>, change: NonNullable<Trial['change']> = twoOfV1): Promise<Lab> {
  const { lab: written } = scenarioOf({
    title: '',
    change,
    stage: { applies: [] },
  });
  const started = await startLab({
    objects: written.objects.map(({ object }) => object),
    apps: written.apps,
    scrapeIntervalMs: 50,
    propagationMs: 20,
    ...options,
  });
  lab = started;
  await eventually(() => {
    for (const live of started.store.list('deployments.apps', NAMESPACE))
      expect(live.status?.readyReplicas, objectRef(live)).toBe(live.spec?.replicas);
  });
  await proxiesKnow(started);
  return started;
}

/** Until then a caller may lack pods that are ready. */
const proxiesKnow = async ({ kubeconfig }: Lab) =>
  labReady(await clientOf(kubeconfig), systemClock, new AbortController().signal, () => undefined);

const ask = async (target: Lab) => {
  const response = await fetch(target.baseUrl);
  const { calls } = (await response.json()) as { calls: { status?: number; by?: { image?: string; pod?: string } }[] };
  return calls[0];
};

test('the web app tells who answered its call', async () => {
  const target = await shop({});
  const call = await ask(target);
  expect([image('shop', 'v1'), image('shop', 'v2')]).toContain(call?.by?.image);
});

test('a second scrape job reads the pods of its workloads again', async () => {
  const target = await shop({ faults: { scrapeJobs: [{ name: 'again', workloads: ['shop-v2'] }] } });
  const jobs = target.targets().map(({ labels }) => `${labels.app} ${labels.version} ${labels.job}`);
  expect(jobs.sort()).toEqual([
    'shop v1 kubernetes-pods',
    'shop v1 kubernetes-pods',
    'shop v2 again',
    'shop v2 kubernetes-pods',
    'web v1 kubernetes-pods',
  ]);
});

test('a zone that fails refuses connections of pods that the cluster believes ready', async () => {
  const target = await shop(
    { faults: { zoneOutage: 'b' } },
    both(
      zones,
      put(deployment('web', 'web', 'v1', { zone: 'a' })),
      put(deployment('shop-v1', 'shop', 'v1', { replicas: 2, zone: 'b' })),
      put(deployment('shop-v2', 'shop', 'v2', { zone: 'b' })),
    ),
  );
  for (let i = 0; i < 5; i++) expect((await ask(target))?.status).toBe(503);
  const { port } = new URL(target.targets().find(({ labels }) => labels.app === 'shop')?.url ?? '');
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
});

test('with outlier detection, a caller sends to the pods of its own zone alone', async () => {
  const target = await shop(
    {},
    both(
      zones,
      put(deployment('web', 'web', 'v1', { zone: 'a' })),
      put(deployment('shop-v1', 'shop', 'v1', { replicas: 2, zone: 'b' })),
      put(deployment('shop-v2', 'shop', 'v2', { zone: 'a' })),
      put(subsets({}, { trafficPolicy: { outlierDetection: { consecutive5xxErrors: 5 } } })),
      without('VirtualService/shop'),
    ),
  );
  const images = await Promise.all(Array.from({ length: 10 }, async () => (await ask(target))?.by?.image));
  expect(new Set(images)).toEqual(new Set([image('shop', 'v2')]));
});

test('a gateway routes what comes from outside, and is the source that counts it', async () => {
  const target = await shop({ entry: INGRESS }, atGateway(HOME, 2));
  const seen = new Set<string>();
  await eventually(async () => {
    // One connection a request, so that both replicas are asked.
    const response = await fetch(target.baseUrl, { headers: { connection: 'close' } });
    seen.add(((await response.json()) as { image: string }).image);
    expect(seen).toEqual(new Set([image('shop', 'v1'), image('shop', 'v2')]));
  });
  await eventually(async () => {
    const query =
      'count by (source_workload) (istio_requests_total{reporter="source",destination_workload=~"shop-.*"})';
    const response = await fetch(`${target.prometheusUrl}/api/v1/query?query=${encodeURIComponent(query)}`);
    const { data } = (await response.json()) as { data: { result: { metric: { source_workload: string } }[] } };
    expect(data.result.map(({ metric }) => metric.source_workload)).toEqual(['ingress']);
  });
});

test('a workload makes its calls unasked', async () => {
  const target = await shop({
    apps: { ...APPS, web: { ...APPS.web, calls: ['http://shop/unasked'] } },
    faults: { ownCalls: { web: 50 } },
  });
  await eventually(async () => {
    const response = await fetch(
      `${target.prometheusUrl}/api/v1/query?query=sum(istio_requests_total{reporter="source"})`,
    );
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    expect(Number(data.result[0]?.value[1] ?? 0)).toBeGreaterThan(5);
  });
});
