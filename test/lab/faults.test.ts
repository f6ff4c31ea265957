import { afterEach, expect, test } from 'vitest';
import { objectRef } from '../../src/base/kubernetes.js';
import { type Lab, type LabOptions, startLab } from '../../src/lab/lab.js';
import { APPS, deployment, image, put, scenarioOf } from '../confusion/app.js';
import { eventually } from '../support/poll.js';

let lab: Lab | undefined;

afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

/** The shop with its route in force and every pod ready, and what goes wrong in it. */
async function shop(options: Partial<LabOptions>): Promise<Lab> {
  const { lab: written } = scenarioOf({
    title: '',
    change: put(deployment('shop-v1', 'shop', 'v1', { replicas: 2 })),
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
    for (const name of ['web', 'shop-v1', 'shop-v2']) {
      const live = started.store.get('deployments.apps', 'shop', name);
      expect(live?.status?.readyReplicas, live && objectRef(live)).toBe(name === 'shop-v1' ? 2 : 1);
    }
  });
  return started;
}

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
  const target = await shop({ faults: { zoneOutage: { 'shop-v1': 2, 'shop-v2': 1 } } });
  for (let i = 0; i < 5; i++) expect((await ask(target))?.status).toBe(503);
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
