import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { Store } from '../../../src/lab/control/store.js';
import { Mirror } from '../../../src/lab/follow/mirror.js';
import { RemoteApi } from '../../../src/lab/follow/remoteApi.js';
import { clientOf } from '../../support/cluster.js';
import { eventually } from '../../support/poll.js';

const PODS = '/api/v1/namespaces/shop/pods';
const pod = (name: string, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: '1' },
  spec: { containers: [] },
  ...more,
});
const readiness = (ready: boolean) => ({ phase: 'Running', conditions: [{ type: 'Ready', status: String(ready) }] });

/** An API server that knows pods alone; when it answers and what its watch tells is the test's to say. */
async function podServer() {
  const patches: { body: { status: object }; answer: () => void }[] = [];
  let watch: ServerResponse | undefined;
  const json = (response: ServerResponse, status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const read = async (request: IncomingMessage) => JSON.parse((await request.toArray()).join(''));
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
    if (request.method === 'GET' && searchParams.has('watch')) {
      watch = response;
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    } else if (request.method === 'GET' && pathname === '/api/v1/pods') {
      json(response, 200, { items: [], metadata: { resourceVersion: '0' } });
    } else if (request.method === 'POST' && pathname === PODS) {
      request.resume();
      json(response, 201, pod('web'));
    } else if (request.method === 'PATCH' && pathname === `${PODS}/web/status`) {
      void read(request).then((body) => {
        const version = String(patches.length + 2);
        const metadata = { ...pod('web').metadata, resourceVersion: version };
        patches.push({ body, answer: () => json(response, 200, pod('web', { metadata, status: body.status })) });
      });
    } else json(response, 404, {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    patches,
    watched: () => watch !== undefined,
    tell: (type: string, object: KubeObject) => watch?.write(`${JSON.stringify({ type, object })}\n`),
  };
}

const kubeconfigOf = (server: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'one', cluster: { server, 'insecure-skip-tls-verify': true } }],
    contexts: [{ name: 'one', context: { cluster: 'one', user: 'me' } }],
    users: [{ name: 'me', user: {} }],
    'current-context': 'one',
  });

it('an event from before its own last write takes back nothing that has changed since', async () => {
  const server = await podServer();
  const store = new Store();
  const errors: unknown[] = [];
  const remote = new RemoteApi(await clientOf(kubeconfigOf(server.url)));
  const mirror = new Mirror({ store, remote, clock: systemClock, onError: (error) => errors.push(error) });
  await mirror.start();
  onTestFinished(() => mirror.close());
  await eventually(() => expect(server.watched()).toBe(true));

  store.put('pods', { ...pod('web'), status: readiness(false) });
  await eventually(() => expect(server.patches).toHaveLength(1));
  // While the server takes the first status, the pod gets ready, and the news of its creation arrive at last.
  const running = store.get('pods', 'shop', 'web') as KubeObject;
  store.put('pods', { ...running, status: readiness(true) });
  server.tell('ADDED', pod('web'));
  server.tell('ADDED', pod('after-that'));
  await eventually(() => expect(store.get('pods', 'shop', 'after-that')).toBeDefined());
  server.patches[0]?.answer();

  await eventually(() => expect(server.patches).toHaveLength(2));
  expect(server.patches[1]?.body.status).toMatchObject({ conditions: readiness(true).conditions });
  server.patches[1]?.answer();
  expect(store.get('pods', 'shop', 'web')?.status).toEqual(readiness(true));
  expect(errors).toEqual([]);
});
