import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { millis, ratio } from '../../src/base/units.js';
import { type Lab, type LabOptions, startLab } from '../../src/lab/lab.js';
import { APP, apply, byVersion, manifests, samples, V1 } from '../support/labPitstop.js';
import { eventually } from '../support/poll.js';

let lab: Lab | undefined;

afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

async function pitstop(options: Partial<LabOptions> = {}, ...more: string[]): Promise<Lab> {
  const faults: unknown[] = [];
  lab = await startLab({
    objects: manifests(...APP, ...V1, ...more),
    apps: { 'customermanagementapi-v1': { startUp: millis(50) } },
    propagationMs: 100,
    scrapeIntervalMs: 100,
    onError: (error) => faults.push(error),
    ...options,
  });
  expect(faults).toEqual([]);
  return lab;
}

const page = async (path: string, init?: RequestInit) => {
  const response = await fetch(`${lab?.baseUrl}${path}`, { redirect: 'manual', ...init });
  return { status: response.status, body: await response.text() };
};

/** Registers a customer and returns the path of its details page; waits until the application serves. */
async function seed(): Promise<string> {
  await eventually(async () => {
    const form = new URLSearchParams({ 'Customer.Name': 'Wanda' });
    expect((await page('/CustomerManagement/Register', { method: 'POST', body: form })).status).toBe(302);
  });
  return /href="(\/CustomerManagement\/Details\/[^"]+)"/.exec((await page('/CustomerManagement')).body)?.[1] ?? '';
}

const ready = (target: Lab, workload: string) =>
  eventually(() =>
    expect(target.store.get('deployments.apps', 'pitstop', workload)?.status).toMatchObject({ availableReplicas: 1 }),
  );

test('every address answers as soon as the lab has started', async () => {
  const target = await pitstop();
  expect((await fetch(`${target.apiUrl}/version`)).status).toBe(200);
  expect((await fetch(`${target.prometheusUrl}/-/ready`)).status).toBe(200);
  expect((await fetch(`${target.kialiUrl}/api/status`)).status).toBe(200);
  expect(target.kubeconfig).toContain(target.apiUrl);
  expect(target.unknownObjects).toEqual([]);
  expect(target.store.get('configmaps', 'istio-system', 'istio')).toBeDefined();
  expect(target.store.get('deployments.apps', 'istio-system', 'istiod')).toMatchObject({
    spec: { template: { spec: { containers: [{ env: [{ name: 'CLUSTER_ID', value: 'Kubernetes' }] }] } } },
  });
});

test('the release walks from v1 to both versions, and both ledgers follow it', async () => {
  const target = await pitstop();
  const customer = await seed();
  await ready(target, 'customermanagementapi-v1');

  apply(target, 'customermanagementapi-v2.yaml');
  await ready(target, 'customermanagementapi-v2');
  for (let i = 0; i < 20; i++) expect((await page(customer)).body).not.toContain('LoyaltyLevel');
  expect((await byVersion(target, 'destination')).v2).toBeUndefined();

  apply(
    target,
    'customermanagementapi-dr.yaml',
    'customermanagementapi-mirror.yaml',
    'customermanagementapi-svc-open.yaml',
  );
  await eventually(async () => {
    expect((await page(customer)).body).not.toContain('LoyaltyLevel');
    expect((await byVersion(target, 'destination')).v2).toBeGreaterThan(0);
  });
  const before = await byVersion(target, 'destination');
  for (let i = 0; i < 20; i++) expect((await page(customer)).body).not.toContain('LoyaltyLevel');
  await eventually(async () => {
    const after = await byVersion(target, 'destination');
    expect([(after.v1 ?? 0) - (before.v1 ?? 0), (after.v2 ?? 0) - (before.v2 ?? 0)]).toEqual([20, 20]);
  });
  expect((await byVersion(target, 'source')).v2).toBeUndefined();

  apply(target, 'customermanagementapi-canary.yaml');
  await eventually(async () => expect((await page(customer)).body).toContain('LoyaltyLevel'));
  const [start, medals, total] = [await byVersion(target, 'source'), { count: 0 }, 300];
  for (let i = 0; i < total; i++) if ((await page(customer)).body.includes('LoyaltyLevel')) medals.count += 1;
  const end = await byVersion(target, 'source');
  expect((end.v2 ?? 0) - (start.v2 ?? 0)).toBe(medals.count);
  expect((end.v1 ?? 0) - (start.v1 ?? 0)).toBe(total - medals.count);
  expect(Math.abs(medals.count - 30)).toBeLessThan(5 * Math.sqrt(total * 0.1 * 0.9));

  target.store.remove('virtualservices.networking.istio.io', 'pitstop', 'customermanagementapi');
  const shown = { count: 0 };
  await eventually(async () => {
    shown.count = 0;
    for (let i = 0; i < 40; i++) if ((await page(customer)).body.includes('LoyaltyLevel')) shown.count += 1;
    expect(shown.count).toBeGreaterThan(10);
  });
});

test('the database shows as TCP traffic on both sides, with the versions that the sidecars told', async () => {
  const target = await pitstop();
  await seed();
  await eventually(async () => {
    const found = (await samples(target)).filter(
      (sample) =>
        sample.name === 'istio_tcp_sent_bytes_total' &&
        Number(sample.value) > 0 &&
        sample.source_app === 'customermanagementapi',
    );
    expect(found.map((sample) => sample.reporter).sort()).toEqual(['destination', 'source']);
    for (const sample of found)
      expect(sample).toMatchObject({
        request_protocol: 'tcp',
        response_flags: '-',
        source_version: 'v1',
        destination_workload: 'sqlserver',
        destination_version: 'v1',
        destination_service: 'sqlserver.pitstop.svc.cluster.local',
      });
  });
});

test('a change reaches the sidecars after its delay, and istiod says STALE until then', async () => {
  const target = await pitstop({ propagationMs: 400 });
  await ready(target, 'webapp');
  const istiod = target.store.list('pods', 'istio-system')[0]?.metadata.name;
  const synced = async (): Promise<Record<string, string>[]> =>
    (
      await fetch(`${target.apiUrl}/api/v1/namespaces/istio-system/pods/${istiod}:15014/proxy/debug/syncz`)
    ).json() as never;
  await eventually(async () => {
    const states = await synced();
    expect(states.length).toBeGreaterThan(3);
    expect(states.every((state) => state.route_status === 'SYNCED')).toBe(true);
  });
  apply(target, 'customermanagementapi-canary.yaml');
  expect((await synced()).map((state) => state.route_status)).toContain('STALE');
  await eventually(async () => expect((await synced()).every((state) => state.route_status === 'SYNCED')).toBe(true));
});

test('Prometheus and Kiali see what the sidecars counted', async () => {
  const target = await pitstop();
  const customer = await seed();
  for (let i = 0; i < 10; i++) await page(customer);
  const counted = (await byVersion(target, 'source')).v1;
  const query =
    'sum(istio_requests_total{reporter="source",destination_service_name="customermanagementapi",destination_canonical_revision="v1"})';
  await eventually(async () => {
    const answer = (await (
      await fetch(`${target.prometheusUrl}/api/v1/query?query=${encodeURIComponent(query)}`)
    ).json()) as {
      data: { result: { value: [number, string] }[] };
    };
    expect(answer.data.result[0]?.value[1]).toBe(String(counted));
  });
  const namespaces = (await (await fetch(`${target.kialiUrl}/api/namespaces`)).json()) as { name: string }[];
  expect(namespaces.map(({ name }) => name)).toContain('pitstop');
});

test('behaviour, objects and entry are those of the caller: an unknown image behind a plain Service', async () => {
  const labels = { app: 'hello', version: '7' };
  lab = await startLab({
    objects: [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'hello', namespace: 'mine' },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'me/hello:3' }] } },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'hello', namespace: 'mine' },
        spec: { selector: { app: 'hello' }, ports: [{ port: 80, targetPort: 3000 }] },
      },
      { apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'x' } },
    ],
    apps: { hello: { startUp: millis(0), errors: ratio(1), errorStatus: 418 } },
  });
  expect(lab.unknownObjects.map((object) => object.kind)).toEqual(['Thing']);
  await eventually(async () => expect((await page('/')).status).toBe(418));
  expect(lab.targets()).toEqual([]);
});

test('the same seed gives the same names', async () => {
  const names = async (seedNumber: number) => {
    const target = await pitstop({ seed: seedNumber });
    const pods = target.store.list('pods', 'pitstop').map((pod) => pod.metadata.name);
    await target.close();
    return pods;
  };
  const [first, second, other] = [await names(4), await names(4), await names(5)];
  expect(first.length).toBeGreaterThan(5);
  expect(second).toEqual(first);
  expect(other).not.toEqual(first);
});

test('a taken port is told, and nothing is left', async () => {
  const target = await pitstop();
  const taken = Number(new URL(target.baseUrl).port);
  await expect(startLab({ objects: [], apps: {}, ports: { base: taken } })).rejects.toThrow(
    `Port ${taken} of 127.0.0.1 is taken.`,
  );
});

test('closing leaves no listener, no socket and no timer', async () => {
  const count = () => process.getActiveResourcesInfo().filter((name) => /TCP|Pipe/.test(name)).length;
  const before = count();
  const target = await pitstop();
  await seed();
  const idle = connect(Number(new URL(target.baseUrl).port), '127.0.0.1');
  idle.on('error', () => undefined);
  await new Promise((resolve) => idle.once('connect', resolve));
  await target.close();
  idle.destroy();
  lab = undefined;
  await eventually(() => expect(count()).toBeLessThanOrEqual(before + 1));
  await expect(fetch(target.baseUrl)).rejects.toThrow();
});

test.each([
  ['noise', Buffer.from([0, 255, 13, 10, 13, 10, 0])],
  ['half a request', Buffer.from('POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc')],
  ['a huge header', Buffer.from(`GET / HTTP/1.1\r\nx: ${'y'.repeat(300_000)}\r\n\r\n`)],
  ['nothing', Buffer.alloc(0)],
])('every address survives %s', async (_name, bytes) => {
  const target = await pitstop();
  await ready(target, 'webapp');
  const urls = [
    target.apiUrl,
    target.baseUrl,
    target.prometheusUrl,
    target.kialiUrl,
    ...target.targets().map(({ url }) => url),
  ];
  for (const url of urls) {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
        socket.write(bytes);
        setTimeout(() => socket.destroy(), 30);
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
    });
  }
  expect((await page('/')).status).toBe(200);
  expect((await fetch(`${target.prometheusUrl}/-/ready`)).status).toBe(200);
});

test('what the sidecars do not do is told of: mutual TLS and routes by server name', async () => {
  const warnings: string[] = [];
  const target = await pitstop({ onWarning: (warning) => warnings.push(warning) });
  target.store.put('peerauthentications.security.istio.io', {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'strict', namespace: 'pitstop' },
    spec: { mtls: { mode: 'STRICT' } },
  });
  target.store.put('virtualservices.networking.istio.io', {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'secure', namespace: 'pitstop' },
    spec: {
      hosts: ['pay.example.com'],
      tls: [{ match: [{ sniHosts: ['pay.example.com'] }], route: [{ destination: { host: 'pay.example.com' } }] }],
    },
  });
  expect(warnings).toEqual([
    expect.stringContaining('PeerAuthentication/pitstop/strict is not rehearsed'),
    expect.stringContaining('VirtualService/pitstop/secure: spec.tls is not rehearsed'),
  ]);
});

test('a policy that the sidecars leave out is told of, once, whenever it comes', async () => {
  const warnings: string[] = [];
  const target = await pitstop({ onWarning: (warning) => warnings.push(warning) });
  const policy = {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'deny', namespace: 'pitstop' },
    spec: { action: 'DENY', rules: [{ from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }] }] },
  };
  for (let times = 0; times < 2; times++) target.store.put('authorizationpolicies.security.istio.io', policy);
  expect(warnings).toEqual([
    'AuthorizationPolicy/pitstop/deny is not rehearsed, for its spec.rules[0].from[0].source.ipBlocks',
  ]);
});
