import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Store } from '../../../src/lab/control/store.js';
import { type RunningKiali, startKiali } from '../../../src/lab/kiali/server.js';
import { GARBAGE, sendGarbage } from '../../support/garbage.js';

const servers: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

function storeWith(creationTimestamp: string): Store {
  const store = new Store();
  store.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'pitstop', creationTimestamp } });
  return store;
}

async function kialiOver(prometheusUrl: string, created = '2020-01-01T00:00:00Z'): Promise<RunningKiali> {
  const kiali = await startKiali({ store: storeWith(created), prometheusUrl });
  servers.push(kiali);
  return kiali;
}

/** A Prometheus that always answers this, and remembers what it was asked. */
async function scripted(status: number, body: string): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    asked.push(new URLSearchParams(text).get('query') ?? '');
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const graph = (kiali: RunningKiali, query = '') =>
  fetch(`${kiali.url}/api/namespaces/graph?namespaces=pitstop${query}`);

describe('Prometheus fails', () => {
  test('nobody listens: 503 names the address, the health stays good, the status loses its entry', async () => {
    const kiali = await kialiOver('http://127.0.0.1:1');
    const response = await graph(kiali);
    expect([response.status, await response.json()]).toEqual([
      503,
      { error: 'Post "http://127.0.0.1:1/api/v1/query": dial tcp 127.0.0.1:1: connect: connection refused' },
    ]);
    expect((await fetch(`${kiali.url}/healthz`)).status).toBe(200);
    const status = (await (await fetch(`${kiali.url}/api/status`)).json()) as { externalServices: { name: string }[] };
    expect(status.externalServices.map(({ name }) => name)).toEqual(['Kubernetes-Kubernetes']);
  });

  test.each([
    [503, 'down for repairs', 'server_error: server error: 503'],
    [401, 'who are you', 'client_error: client error: 401'],
    [422, '{"status":"error","errorType":"execution","error":"too much"}', 'execution: too much'],
    [200, '<html>a login page</html>', 'bad_response: readObjectStart: expect { or n'],
  ])('it answers %i %s', async (status, body, error) => {
    const { url } = await scripted(status, body);
    const response = await graph(await kialiOver(url));
    expect([response.status, await response.json()]).toEqual([503, { error }]);
  });
});

describe('the window', () => {
  const EMPTY = '{"status":"success","data":{"resultType":"vector","result":[]}}';

  test('is cut to the age of the namespace, while the answer repeats what was asked', async () => {
    const { url, asked } = await scripted(200, EMPTY);
    const kiali = await kialiOver(url, '2025-10-09T08:53:07Z');
    const response = await graph(kiali, '&duration=60s&queryTime=1760000000&appenders=');
    expect(await response.json()).toEqual({
      timestamp: 1_760_000_000,
      duration: 60,
      graphType: 'workload',
      elements: { nodes: [], edges: [] },
    });
    expect(asked).toHaveLength(6);
    for (const query of asked) expect(query).toContain('[13s]');
  });

  test('before the namespace was there is none', async () => {
    const { url } = await scripted(200, EMPTY);
    const response = await graph(await kialiOver(url, '2025-10-09T08:53:20Z'), '&queryTime=1760000000');
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('Namespace [pitstop] did not exist at requested queryTime');
  });
});

test.each(GARBAGE)('after %s the next request is answered', async (_, bytes) => {
  const kiali = await kialiOver('http://127.0.0.1:1');
  await sendGarbage(kiali.url, bytes);
  expect((await fetch(`${kiali.url}/healthz`)).status).toBe(200);
});

test('a taken port is refused, not waited for', async () => {
  const { url } = await scripted(200, '');
  const port = Number(new URL(url).port);
  await expect(startKiali({ store: new Store(), prometheusUrl: url, port })).rejects.toThrow(/EADDRINUSE/);
});
