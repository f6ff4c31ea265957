import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import {
  labelsOf,
  SERVICE_PORT,
  sendTo,
  shopService,
  subsets,
  TestMesh,
  type TestPod,
  to,
  virtualService,
} from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';

const ok: RequestListener = (_request, response) => void response.end('ok');
const pod = (version = 'v1', app: TestPod['app'] = ok): TestPod => ({
  name: `shop-${version}-1`,
  version,
  sidecar: true,
  app,
});

async function withMesh(pods: TestPod[], rules: KubeObject[], use: (mesh: TestMesh) => Promise<void>): Promise<void> {
  const mesh = await TestMesh.start(pods, rules);
  try {
    await use(mesh);
  } finally {
    await mesh.close();
  }
}

const istioObject = (kind: string, name: string, spec: object): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace: 'demo' },
  spec: spec as Record<string, unknown>,
});

const registryOnly: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'istio', namespace: 'istio-system' },
  data: { mesh: 'outboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n' },
} as KubeObject;

/** Tells the caller of Services in istio-system only, so that `shop` is hidden from it. */
const hides = (more: object = {}): KubeObject =>
  istioObject('Sidecar', 'narrow', { egress: [{ hosts: ['istio-system/*'] }], ...more });

/** An HTTP Service of port 80 that everybody is told of. */
const visible: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'visible', namespace: 'istio-system' },
  spec: { ports: [{ name: 'http', port: SERVICE_PORT, targetPort: 1 }] },
};

const httpRoute = (...backends: object[]): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'shop', namespace: 'demo' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'shop', port: SERVICE_PORT }],
    rules: [{ backendRefs: backends }],
  },
});

test('a backend that is missing takes its weight as 500 NC, which names the Host header', async () => {
  const rule = httpRoute(
    { name: 'shop', port: SERVICE_PORT, weight: 1 },
    { name: 'gone', port: SERVICE_PORT, weight: 1 },
  );
  await withMesh([pod()], [rule], async (mesh) => {
    for (let i = 0; i < 60; i++) await mesh.send();
    const [served = '', missing = '', ...others] = mesh.source();
    expect(others).toEqual([]);
    expect(served).toMatch(/^\d+x 200 - shop-v1 v1 shop$/);
    expect(missing).toMatch(/^\d+x 500 NC unknown unknown shop:8000$/);
    const count = Number.parseInt(missing, 10);
    expect(Math.abs(count - 30)).toBeLessThan(5 * Math.sqrt(60 / 4));
    const lines = mesh.client.metrics.render().split('\n');
    expect(labelsOf(lines.find((line) => line.includes('response_code="500"')) ?? '')).toMatchObject({
      destination_service: 'shop:8000',
      destination_service_name: 'shop:8000',
      destination_service_namespace: 'unknown',
      destination_workload: 'unknown',
      destination_canonical_revision: 'latest',
    });
  });
});

test('a missing backend with all of the weight is 500 for everybody', async () => {
  await withMesh([pod()], [httpRoute({ name: 'gone', port: SERVICE_PORT, weight: 3 })], async (mesh) => {
    expect((await mesh.send()).status).toBe(500);
    expect(mesh.source()).toEqual(['1x 500 NC unknown unknown shop:8000']);
  });
});

test('with REGISTRY_ONLY an unknown host on a known port is 502 of the BlackHoleCluster and reaches nobody', async () => {
  await withMesh([pod()], [registryOnly], async (mesh) => {
    expect((await mesh.send({ host: `elsewhere.example:${SERVICE_PORT}` })).status).toBe(502);
    expect((await mesh.send()).status).toBe(200);
    expect(mesh.source()).toEqual(['1x 200 - shop-v1 v1 shop', '1x 502 - unknown unknown BlackHoleCluster']);
    expect(mesh.destination()).toEqual(['1x 200 - shop-v1<web v1 shop']);
  });
});

test('a Sidecar object may open or close the way out, whatever the mesh says', async () => {
  const open = hides({ outboundTrafficPolicy: { mode: 'ALLOW_ANY' } });
  await withMesh([pod()], [visible, registryOnly, open], async (mesh) => {
    expect((await mesh.send()).status).toBe(200);
    expect(mesh.source()).toEqual(['1x 200 - shop-v1 v1 PassthroughCluster']);
  });
  const closed = hides({ outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } });
  await withMesh([pod()], [visible, closed], async (mesh) => {
    expect((await mesh.send()).status).toBe(502);
    expect(mesh.source()).toEqual(['1x 502 - unknown unknown BlackHoleCluster']);
  });
});

test('a hidden Service on the port of a known one is passed through without identity; its rules do not apply', async () => {
  const allToV2 = [subsets(), virtualService({ route: [to('v2')] })];
  await withMesh([pod()], [visible, hides(), ...allToV2], async (mesh) => {
    expect((await mesh.send()).status).toBe(200);
    expect(mesh.source()).toEqual(['1x 200 - shop-v1 v1 PassthroughCluster']);
    expect(mesh.destination()).toEqual(['1x 200 - shop-v1<web v1 shop']);
    const [line = ''] = (mesh.sidecars.get('shop-v1-1')?.metrics.render() ?? '')
      .split('\n')
      .filter((text) => text.startsWith('istio_requests_total'));
    expect(labelsOf(line)).toMatchObject({
      source_workload: 'web',
      source_principal: 'unknown',
      connection_security_policy: 'none',
    });
  });
});

test('kube-proxy balances the connections of a hidden Service, not its requests', async () => {
  await withMesh([pod('v1'), pod('v2')], [visible, hides()], async (mesh) => {
    // One after the other they share one upstream connection, hence one pod.
    for (let i = 0; i < 30; i++) await mesh.send();
    expect(mesh.destination()).toHaveLength(1);
    await Promise.all(Array.from({ length: 30 }, () => mesh.send()));
    expect(mesh.destination()).toHaveLength(2);
  });
});

test('a hidden Service on a port of no HTTP Service passes as bytes, counted as a connection of the PassthroughCluster', async () => {
  await withMesh([pod('v1'), pod('v2')], [hides()], async (mesh) => {
    const versions = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const real = await mesh.client.outbound('shop', SERVICE_PORT);
      expect((await sendTo(real, { host: 'shop:8000' })).status).toBe(200);
    }
    for (const row of mesh.destination()) versions.add(row.split(' ')[4] ?? '');
    expect([...versions].sort()).toEqual(['v1', 'v2']);
    expect(mesh.destination().every((row) => row.includes('<unknown'))).toBe(true);
    expect(mesh.source()).toEqual([]);
    await eventually(() =>
      expect(mesh.tcp('source')).toEqual([
        expect.stringMatching(/^20\/20 \d+\/\d+ - unknown unknown PassthroughCluster$/),
      ]),
    );
  });
});

test('with REGISTRY_ONLY such a connection is reset and counted for the BlackHoleCluster', async () => {
  await withMesh([pod()], [registryOnly, hides()], async (mesh) => {
    const socket = await mesh.open('shop', SERVICE_PORT);
    socket.resume();
    await once(socket, 'close');
    expect(mesh.tcp('source')).toEqual(['1/1 0/0 UH unknown unknown BlackHoleCluster']);
    expect(mesh.destination()).toEqual([]);
  });
});

test('a passed-through address where nothing listens is 503 UF', async () => {
  const other = shopService({}, 'other', { port: 8100 });
  await withMesh([pod()], [other], async (mesh) => {
    // `shop` has no port 8100; the listener of that port belongs to `other`.
    expect((await mesh.send({ host: 'shop:8100' })).status).toBe(503);
    expect(mesh.source()).toEqual(['1x 503 UF unknown unknown PassthroughCluster']);
  });
});
