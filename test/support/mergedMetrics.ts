import { expect, it, onTestFinished } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { type Lab, type LabOptions, startLab } from '../../src/lab/lab.js';
import { eventually } from './poll.js';

/** A Deployment and Service of one pod that listens on 8080. */
function workload(name: string, annotations: Record<string, string>): KubeObject[] {
  const labels = { app: name, version: 'v1' };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'shop' },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations },
          spec: { containers: [{ name, image: `${name}:1`, ports: [{ containerPort: 8080 }] }] },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'shop' },
      spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
  ];
}

const OBJECTS: KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', labels: { 'istio-injection': 'enabled' } },
  },
  ...workload('front', {}),
  ...workload('annotated', {
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': '8080',
    'prometheus.io/path': '/m',
  }),
  ...workload('other-port', { 'prometheus.io/port': '9102' }),
  ...workload('plain', {}),
  ...workload('silent', { 'prometheus.io/scrape': 'false' }),
  ...workload('bare', {
    'sidecar.istio.io/inject': 'false',
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': '8080',
  }),
];

/** By `front`, for every request that it gets. */
const CALLED = ['annotated', 'other-port', 'plain', 'silent', 'bare'];

/** What each pod's scraped page holds in the end; none: nobody scrapes it. */
const EXPECTED = {
  front: { path: '/stats/prometheus', application: undefined },
  annotated: { path: '/stats/prometheus', application: 'as its proxy' },
  'other-port': { path: '/stats/prometheus', application: 'as its proxy' },
  plain: { path: '/stats/prometheus', application: undefined },
  bare: { path: '/metrics', application: 'without proxy' },
};

/** The page of one pod: what its application counted, beside what its proxy did. Scrapes are in neither. */
function seenOn(page: string): string | undefined {
  const total = (samples: RegExp) => [...page.matchAll(samples)].reduce((sum, [, value]) => sum + Number(value), 0);
  const application = total(/^http_requests_total\{code="200",method="GET"\} (\d+)$/gm);
  if (application === 0) return undefined;
  expect(application).toBeGreaterThanOrEqual(3);
  if (!page.includes('istio_')) return 'without proxy';
  const proxy = total(/^istio_requests_total\{.*reporter="destination".*response_code="200".*\} (\d+)$/gm);
  return application === proxy ? 'as its proxy' : `${application}, but ${proxy} by its proxy`;
}

/**
 * The page that Prometheus scrapes of every pod, as Istio's injector and agent arrange it from the pod's annotations.
 * @param options of the lab, which say what the sidecars are
 * @param check looks further while the lab is up
 */
export function mergedMetricsSuite(
  options: Partial<LabOptions>,
  check: (lab: Lab) => void | Promise<void> = () => undefined,
): void {
  it("serves an application's own metrics behind those of its proxy", async () => {
    const faults: unknown[] = [];
    const lab = await startLab({
      objects: OBJECTS,
      apps: { front: { calls: CALLED.map((name) => `http://${name}/`) } },
      propagationMs: 50,
      scrapeIntervalMs: 200,
      entry: { namespace: 'shop', service: 'front', port: 80 },
      onError: (error) => faults.push(error),
      ...options,
    });
    onTestFinished(() => lab.close());
    await eventually(() => {
      for (const name of ['front', ...CALLED])
        expect(lab.store.get('deployments.apps', 'shop', name)?.status).toMatchObject({ availableReplicas: 1 });
    }, 20_000);
    const pods = lab.store.list('pods').filter(({ metadata }) => metadata.namespace === 'shop');
    const annotated = pods.find(({ metadata }) => metadata.labels?.app === 'annotated');
    expect(annotated?.metadata.annotations).toMatchObject({
      'prometheus.io/port': '15020',
      'prometheus.io/path': '/stats/prometheus',
    });
    for (let sent = 0; sent < 3; sent++)
      await eventually(async () => expect((await fetch(lab.baseUrl)).status).toBe(200));
    await eventually(async () => {
      const targets = lab.targets().filter(({ labels }) => labels.namespace === 'shop');
      const pages = await Promise.all(
        targets.map(async ({ url, labels }) => {
          const page = await (await fetch(url)).text();
          return [labels.app, { path: new URL(url).pathname, application: seenOn(page) }] as const;
        }),
      );
      expect(Object.fromEntries(pages)).toEqual(EXPECTED);
    });
    await check(lab);
    expect(faults).toEqual([]);
  });
}
