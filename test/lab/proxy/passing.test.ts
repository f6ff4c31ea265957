import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import {
  labelsOf,
  SERVICE_PORT,
  sendTo,
  subsets,
  TestMesh,
  type TestPod,
  to,
  virtualService,
} from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';

const pod = (app: TestPod['app'], version = 'v1'): TestPod => ({
  name: `shop-${version}-1`,
  version,
  sidecar: true,
  app,
});

/** Tells what arrived: request line, headers, length of the body. */
const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    response.setHeader('x-app', 'echo');
    response.end(
      JSON.stringify({ method: request.method, url: request.url, headers: request.headers, bytes: body.length }),
    );
  });
};

async function withMesh(pods: TestPod[], rules: KubeObject[], use: (mesh: TestMesh) => Promise<void>): Promise<void> {
  const mesh = await TestMesh.start(pods, rules);
  try {
    await use(mesh);
  } finally {
    await mesh.close();
  }
}

test('the application sees the request as it was sent, without anything that only proxies tell each other', async () => {
  await withMesh([pod(echo)], [], async (mesh) => {
    const answer = await mesh.send({
      method: 'PUT',
      path: '/a?b=c&d',
      headers: { 'x-one': '1', connection: 'close' },
      body: 'hello',
    });
    const seen = JSON.parse(answer.body);
    expect(seen).toMatchObject({ method: 'PUT', url: '/a?b=c&d', bytes: 5 });
    expect(seen.headers).toMatchObject({ 'x-one': '1', host: `shop:${SERVICE_PORT}` });
    expect(Object.keys(seen.headers).filter((name) => name.includes('peer-metadata'))).toEqual([]);
    expect(answer.headers['x-app']).toBe('echo');
    expect(Object.keys(answer.headers).filter((name) => name.includes('peer-metadata'))).toEqual([]);
  });
});

test('a body longer than the replay limit streams through, in both directions and chunked', async () => {
  const big = 'x'.repeat(3_000_000);
  const back: RequestListener = (request, response) => {
    request.pipe(response);
  };
  await withMesh([pod(back)], [], async (mesh) => {
    const answer = await mesh.send({ method: 'POST', body: big });
    expect(answer.body.length).toBe(big.length);
    const chunked = await mesh.send({ method: 'POST', body: big, headers: { 'transfer-encoding': 'chunked' } });
    expect(chunked.body.length).toBe(big.length);
  });
});

test('a retry sends the whole body again, and the copy has it too', async () => {
  let tries = 0;
  const lengths: number[] = [];
  const app: RequestListener = (request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      lengths.push(bytes);
      response.writeHead(tries++ === 0 ? 503 : 200);
      response.end();
    });
  };
  const rule = {
    route: [to('v1')],
    retries: { attempts: 2, retryOn: '5xx' },
    mirror: { host: 'shop', subset: 'v2' },
  };
  const copies: number[] = [];
  const copied: RequestListener = (request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      copies.push(bytes);
      response.end();
    });
  };
  await withMesh([pod(app), pod(copied, 'v2')], [subsets(), virtualService(rule)], async (mesh) => {
    const answer = await mesh.send({ method: 'POST', body: 'y'.repeat(20_000) });
    expect(answer.status).toBe(200);
    expect(lengths).toEqual([20_000, 20_000]);
    await eventually(() => expect(copies).toEqual([20_000]));
  });
});

test('rewrites and header changes of the route arrive', async () => {
  const rule = {
    match: [{ uri: { prefix: '/old' } }],
    rewrite: { uri: '/new', authority: 'other.example' },
    headers: {
      request: { set: { 'x-set': 'a' }, remove: ['x-gone'] },
      response: { add: { 'x-added': 'b' }, remove: ['x-app'] },
    },
    route: [to('v1')],
  };
  await withMesh([pod(echo)], [subsets(), virtualService(rule)], async (mesh) => {
    const answer = await mesh.send({ path: '/old/path?q=1', headers: { 'x-gone': '1' } });
    const seen = JSON.parse(answer.body);
    expect(seen.url).toBe('/new/path?q=1');
    expect(seen.headers).toMatchObject({ host: 'other.example', 'x-set': 'a' });
    expect(seen.headers).not.toHaveProperty('x-gone');
    expect(answer.headers).toMatchObject({ 'x-added': 'b' });
    expect(answer.headers).not.toHaveProperty('x-app');
  });
});

test('a mirror copy keeps the Host header', async () => {
  let host: string | undefined;
  const copied: RequestListener = (request, response) => {
    host = request.headers.host;
    response.end();
  };
  const rules = [subsets(), virtualService({ route: [to('v1')], mirror: { host: 'shop', subset: 'v2' } })];
  await withMesh([pod(echo), pod(copied, 'v2')], rules, async (mesh) => {
    await mesh.send();
    await eventually(() => expect(host).toBe(`shop:${SERVICE_PORT}`));
  });
});

test('a plain client is an unknown source at the destination, and a made-up identity is too', async () => {
  await withMesh([pod(echo)], [], async (mesh) => {
    for (const headers of [{}, { 'x-envoy-peer-metadata': 'bm9uc2Vuc2U' }])
      await sendTo(mesh.directPort(0), { host: 'shop', headers });
    const lines = mesh.sidecars.get('shop-v1-1')?.metrics.render().split('\n') ?? [];
    const counted = lines.filter((line) => line.startsWith('istio_requests_total'));
    expect(counted).toHaveLength(1);
    expect(counted[0]).toMatch(/ 2$/);
    expect(labelsOf(counted[0] ?? '')).toEqual({
      reporter: 'destination',
      source_workload: 'unknown',
      source_canonical_service: 'unknown',
      source_canonical_revision: 'latest',
      source_workload_namespace: 'unknown',
      source_principal: 'unknown',
      source_app: 'unknown',
      source_version: 'unknown',
      source_cluster: 'unknown',
      destination_workload: 'shop-v1',
      destination_workload_namespace: 'demo',
      destination_principal: 'spiffe://cluster.local/ns/demo/sa/default',
      destination_app: 'shop',
      destination_version: 'v1',
      destination_service: 'shop.demo.svc.cluster.local',
      destination_canonical_service: 'shop',
      destination_canonical_revision: 'v1',
      destination_service_name: 'shop',
      destination_service_namespace: 'demo',
      destination_cluster: 'Kubernetes',
      request_protocol: 'http',
      response_code: '200',
      response_flags: '-',
      connection_security_policy: 'none',
    });
  });
});

test('all labels of both sides are told over the wire, in the order of Istio', async () => {
  await withMesh([pod(echo)], [], async (mesh) => {
    await mesh.send();
    const line = mesh.client.metrics
      .render()
      .split('\n')
      .find((text) => text.startsWith('istio_requests_total'));
    expect(Object.entries(labelsOf(line ?? '')).map(([name, value]) => `${name}=${value}`)).toEqual([
      'reporter=source',
      'source_workload=web',
      'source_canonical_service=web',
      'source_canonical_revision=v1',
      'source_workload_namespace=demo',
      'source_principal=spiffe://cluster.local/ns/demo/sa/default',
      'source_app=web',
      'source_version=v1',
      'source_cluster=Kubernetes',
      'destination_workload=shop-v1',
      'destination_workload_namespace=demo',
      'destination_principal=spiffe://cluster.local/ns/demo/sa/default',
      'destination_app=shop',
      'destination_version=v1',
      'destination_service=shop.demo.svc.cluster.local',
      'destination_canonical_service=shop',
      'destination_canonical_revision=v1',
      'destination_service_name=shop',
      'destination_service_namespace=demo',
      'destination_cluster=Kubernetes',
      'request_protocol=http',
      'response_code=200',
      'response_flags=-',
      'connection_security_policy=unknown',
    ]);
  });
});

test('a host that no Service has is passed through to where it was dialled', async () => {
  await withMesh([pod(echo)], [], async (mesh) => {
    const outside = mesh.directPort(0);
    const answer = await sendTo(mesh.client.port(15_001) ?? 0, { host: `127.0.0.1:${outside}`, path: '/x' });
    expect(answer.status).toBe(200);
    expect(mesh.source()).toEqual(['1x 200 - shop-v1 v1 PassthroughCluster']);
  });
});

test('the admin port tells the routes, and the endpoints to those who ask', async () => {
  await withMesh([pod(echo)], [], async (mesh) => {
    const admin = mesh.client.port(15_000) ?? 0;
    const types = async (path: string) =>
      JSON.parse((await sendTo(admin, { host: 'x', path })).body).configs.map((section: { '@type': string }) =>
        section['@type'].replace(/.*\.(\w+)ConfigDump$/, '$1'),
      );
    expect(await types('/config_dump')).toEqual(['Clusters', 'Listeners', 'Routes']);
    expect(await types('/config_dump?include_eds')).toContain('Endpoints');
    expect((await sendTo(admin, { host: 'x', path: '/ready' })).status).toBe(200);
    expect((await sendTo(mesh.client.port(15_021) ?? 0, { host: 'x', path: '/healthz/ready' })).status).toBe(200);
    expect((await sendTo(mesh.client.port(15_020) ?? 0, { host: 'x', path: '/stats/prometheus' })).body).toContain(
      'istio_build{component="proxy",tag="1.31.0"} 1',
    );
  });
});

test.each([
  ['binary noise', Buffer.from([0, 1, 2, 255, 254, 13, 10, 13, 10])],
  ['a TLS hello', Buffer.from('160301020001000', 'hex')],
  ['a header without end', Buffer.from(`GET / HTTP/1.1\r\nx: ${'a'.repeat(200_000)}`)],
  ['a bad header', Buffer.from('GET / HTTP/1.1\r\nbad header\r\n\r\n')],
  ['two lengths', Buffer.from('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx')],
  ['a target that is none', Buffer.from('GET shop HTTP/1.1\r\nhost: shop:8000\r\nconnection: close\r\n\r\n')],
  ['no host', Buffer.from('GET / HTTP/1.0\r\n\r\n')],
])('every port survives %s', async (_name, bytes) => {
  await withMesh([pod(echo)], [], async (mesh) => {
    const ports = [15_000, 15_001, 15_020].map((port) => mesh.client.port(port) ?? 0).concat(mesh.directPort(0));
    for (const port of ports) {
      await new Promise<void>((resolve) => {
        const socket = connect({ host: '127.0.0.1', port }, () => socket.end(bytes));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.resume();
        setTimeout(() => socket.destroy(), 500).unref();
      });
    }
    expect((await mesh.send()).status).toBe(200);
  });
});
