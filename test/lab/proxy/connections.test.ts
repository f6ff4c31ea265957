import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import {
  labelsOf,
  SERVICE_PORT,
  shopService,
  subsets,
  TestMesh,
  type TestPod,
  to,
  virtualService,
} from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';

const pod = (version: string, app: TestPod['app'], sidecar = true): TestPod => ({
  name: `shop-${version}-1`,
  version,
  sidecar,
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

const says =
  (text: string): RequestListener =>
  (_request, response) =>
    void response.end(text);

/** Sends requests one after the other on one connection and returns status and body of each. */
async function onOneConnection(mesh: TestMesh, count: number): Promise<string[]> {
  const port = await mesh.client.outbound('shop', SERVICE_PORT);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const answers: string[] = [];
    for (let i = 0; i < count; i++) {
      const request = httpRequest({ host: '127.0.0.1', port, agent, headers: { host: `shop:${SERVICE_PORT}` } }).end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      let body = '';
      for await (const chunk of response) body += String(chunk);
      answers.push(`${response.statusCode} ${body}`);
    }
    return answers;
  } finally {
    agent.destroy();
  }
}

const headless = shopService({ clusterIP: 'None' });

test('a connection to a headless Service stays with the pod that it dialled, whatever the weights', async () => {
  const rules = [headless, subsets(), virtualService({ route: [to('v1', 100)] })];
  await withMesh([pod('v1', says('v1')), pod('v2', says('v2'))], rules, async (mesh) => {
    const served = new Set<string>();
    for (let connection = 0; connection < 20; connection++) {
      const answers = new Set(await onOneConnection(mesh, 5));
      expect(answers.size).toBe(1);
      for (const answer of answers) served.add(answer);
    }
    expect([...served].sort()).toEqual(['200 v1', '200 v2']);
    const total = mesh.source().reduce((sum, row) => sum + Number.parseInt(row, 10), 0);
    expect(total).toBe(100);
  });
});

test('an ordinary Service is drawn for every request of a connection', async () => {
  const rules = [subsets(), virtualService({ route: [to('v1', 1), to('v2', 1)] })];
  await withMesh([pod('v1', says('v1')), pod('v2', says('v2'))], rules, async (mesh) => {
    expect(new Set(await onOneConnection(mesh, 30)).size).toBe(2);
  });
});

test('a dialled pod that is gone is UF for its connection only', async () => {
  await withMesh([pod('v1', says('v1')), pod('v2', says('v2'))], [headless], async (mesh) => {
    const port = await mesh.client.outbound('shop', SERVICE_PORT);
    const socket = connect({ host: '127.0.0.1', port });
    const ask = async () => {
      socket.write(`GET / HTTP/1.1\r\nhost: shop:${SERVICE_PORT}\r\n\r\n`);
      return String(((await once(socket, 'data')) as [Buffer])[0]);
    };
    const version = /v[12]$/.exec(await ask())?.[0] ?? '';
    await mesh.killSidecar(`shop-${version}-1`);
    expect(await ask()).toMatch(/^HTTP\/1.1 503 /);
    socket.destroy();
    expect(mesh.source()).toContain(`1x 503 UF,URX shop-${version} unknown shop`);
  });
});

const bytes = (text: string): TestPod['app'] => ({
  raw: (socket: Socket) => socket.on('data', () => socket.end(text)),
});

async function answerOf(mesh: TestMesh): Promise<string> {
  const socket = await mesh.open('shop', SERVICE_PORT);
  socket.write('hello');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += String(chunk);
  });
  await once(socket, 'close');
  return text;
}

const tcpShop = shopService({}, 'shop', { name: 'tcp' });

const tcpRoutes = (...route: object[]): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'shop', namespace: 'demo', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { hosts: ['shop'], tcp: [{ route }] },
});

test('byte connections are counted on both sides when they open and close, with their bytes', async () => {
  await withMesh([pod('v1', bytes('thanks'))], [tcpShop], async (mesh) => {
    const socket = await mesh.open('shop', SERVICE_PORT);
    socket.write('hello');
    await eventually(() => {
      expect(mesh.tcp('source')).toEqual([expect.stringMatching(/^1\/[01] 6\/5 - shop-v1 v1 shop$/)]);
    });
    socket.end();
    await eventually(() => {
      expect(mesh.tcp('source')).toEqual(['1/1 6/5 - shop-v1 v1 shop']);
      expect(mesh.tcp('destination')).toEqual(['1/1 6/5 - shop-v1<web v1 shop']);
    });
    expect([mesh.source(), mesh.destination()]).toEqual([[], []]);
  });
});

test('all labels of a byte connection are those of Istio: no code, protocol tcp, the policy at the destination', async () => {
  await withMesh([pod('v1', bytes('thanks'))], [tcpShop], async (mesh) => {
    await answerOf(mesh);
    const line = (page: string) =>
      page.split('\n').find((text) => text.startsWith('istio_tcp_connections_opened_total')) ?? '';
    const common = {
      source_principal: 'spiffe://cluster.local/ns/demo/sa/default',
      destination_principal: 'spiffe://cluster.local/ns/demo/sa/default',
      destination_service: 'shop.demo.svc.cluster.local',
      destination_service_namespace: 'demo',
      destination_canonical_revision: 'v1',
      request_protocol: 'tcp',
      response_flags: '-',
    };
    const [source, destination] = [mesh.client, mesh.sidecars.get('shop-v1-1')].map((sidecar) =>
      labelsOf(line(sidecar?.metrics.render() ?? '')),
    );
    expect(source).toMatchObject({ ...common, reporter: 'source', connection_security_policy: 'unknown' });
    expect(destination).toMatchObject({ ...common, reporter: 'destination', connection_security_policy: 'mutual_tls' });
    expect(Object.keys(source ?? {})).not.toContain('response_code');
  });
});

test('tcp routes are drawn by weight for every connection, http routes of a TCP port are not looked at', async () => {
  const pods = [pod('v1', bytes('v1')), pod('v2', bytes('v2'))];
  await withMesh(pods, [tcpShop, subsets(), tcpRoutes(to('v1', 3), to('v2', 1))], async (mesh) => {
    const total = 80;
    let second = 0;
    for (let i = 0; i < total; i++) if ((await answerOf(mesh)) === 'v2') second += 1;
    expect(Math.abs(second - total / 4)).toBeLessThan(5 * Math.sqrt(total * 0.25 * 0.75));
    await eventually(() =>
      expect(
        mesh
          .tcp('destination')
          .map((row) => row.slice(row.indexOf('-')))
          .sort(),
      ).toEqual(['- shop-v1<web v1 shop', '- shop-v2<web v2 shop']),
    );
  });
  await withMesh(pods, [tcpShop, subsets(), virtualService({ route: [to('v2')] })], async (mesh) => {
    const answers = new Set<string>();
    for (let i = 0; i < 30; i++) answers.add(await answerOf(mesh));
    expect(answers.size).toBe(2);
  });
});

test.each<[string, TestPod[], KubeObject[], string]>([
  ['a missing subset is NC', [pod('v1', bytes('v1'))], [tcpRoutes(to('v9'))], 'NC unknown unknown shop'],
  [
    'a subset without pods is UH',
    [pod('v1', bytes('v1'))],
    [subsets(), tcpRoutes(to('v2'))],
    'UH unknown unknown shop',
  ],
  ['a pod that refuses is UF and URX', [pod('v1', 'dead', false)], [], 'UF,URX shop-v1 unknown shop'],
])('a byte connection that cannot be made is closed and counted: %s', async (_sentence, pods, rules, row) => {
  await withMesh(pods, [tcpShop, ...rules], async (mesh) => {
    expect(await answerOf(mesh)).toBe('');
    const [counted = '', ...others] = mesh.tcp('source');
    expect(others).toEqual([]);
    expect(counted).toContain('1/1 0/0 ');
    expect(counted).toContain(row.replace(/ shop$/, ''));
    expect(mesh.tcp('destination')).toEqual([]);
  });
});

test('a byte connection above the limit is UO at once, and the next one passes when the first has ended', async () => {
  const quiet: TestPod['app'] = { raw: (socket: Socket) => socket.on('end', () => socket.end()).resume() };
  const limited = subsets({ connectionPool: { tcp: { maxConnections: 1 } } });
  await withMesh([pod('v1', quiet)], [tcpShop, limited], async (mesh) => {
    const first = await mesh.open('shop', SERVICE_PORT);
    await eventually(() => expect(mesh.tcp('source')).toEqual(['1/0 0/0 - shop-v1 v1 shop']));
    expect(await answerOf(mesh)).toBe('');
    expect(mesh.tcp('source')).toContain('1/1 0/0 UO unknown unknown shop');
    first.end();
    await eventually(() => expect(mesh.tcp('source')).toContain('1/1 0/0 - shop-v1 v1 shop'));
    const next = await mesh.open('shop', SERVICE_PORT);
    await eventually(() => expect(mesh.tcp('source')).toContain('2/1 0/0 - shop-v1 v1 shop'));
    next.destroy();
  });
});
