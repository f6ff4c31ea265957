import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectCluster } from '../../src/cluster/client.js';
import { podGet } from '../../src/cluster/portForward.js';
import { testCluster } from '../support/cluster.js';
import { eventually } from '../support/poll.js';

describe('a GET through port-forward', () => {
  it('reaches the port of the pod, whatever the size of the answer', async () => {
    const big = 'x'.repeat(3_000_000);
    const app = createServer((request, response) => response.end(`${request.url} ${big}`)).listen(0, '127.0.0.1');
    onTestFinished(() => void app.close());
    const { client, store } = await testCluster((_namespace, pod, port) =>
      pod === 'p' && port === 15000 ? { host: '127.0.0.1', port: (app.address() as AddressInfo).port } : undefined,
    );
    store.put('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'demo' },
      spec: {},
      status: { phase: 'Running' },
    });
    const answer = await podGet(client, 'demo', 'p', 15000, '/config_dump?include_eds');
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(`/config_dump?include_eds ${big}`);
    await expect(podGet(client, 'demo', 'p', 15001, '/')).rejects.toThrow();
    await expect(podGet(client, 'demo', 'absent', 15000, '/')).rejects.toThrow();
  });

  it('ends in time when the pod never answers', async () => {
    const silent = createTcp(() => {}).listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    const { client, store } = await testCluster(() => ({
      host: '127.0.0.1',
      port: (silent.address() as AddressInfo).port,
    }));
    store.put('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'demo' },
      spec: {},
      status: { phase: 'Running' },
    });
    await expect(podGet(client, 'demo', 'p', 15000, '/', 300)).rejects.toThrow(/no complete answer within 300 ms/);
  });

  it('leaves nothing open, whether it succeeds, is refused or gets no answer', async () => {
    const app = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    const silent = createTcp(() => {}).listen(0, '127.0.0.1');
    onTestFinished(() => {
      app.close();
      silent.close();
    });
    const { client, store } = await testCluster((_namespace, _pod, port) => {
      const server = { 15000: app, 15001: silent }[port];
      return server && { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    });
    store.put('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'demo' },
      spec: {},
      status: { phase: 'Running' },
    });
    const open = () => process.getActiveResourcesInfo().filter((kind) => /TCPSocketWrap|Timeout/.test(kind)).length;
    const before = open();
    for (let i = 0; i < 5; i++) {
      expect((await podGet(client, 'demo', 'p', 15000, '/')).text).toBe('hello');
      await expect(podGet(client, 'demo', 'p', 15001, '/', 30)).rejects.toThrow(/no complete answer/);
      await expect(podGet(client, 'demo', 'p', 15002, '/')).rejects.toThrow(/port-forward to demo\/p:15002/);
    }
    // Far fewer than one for each request; the runner has timers of its own.
    await eventually(() => expect(open()).toBeLessThan(before + 4));
  });

  it('ends in time when the API server takes the connection and says nothing', async () => {
    const silent = createTcp(() => {}).listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    const { dir, client } = await testCluster();
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const file = join(dir, 'kubeconfig-silent');
    writeFileSync(file, readFileSync(join(dir, 'kubeconfig'), 'utf8').replaceAll(client.server, url));
    const hanging = await connectCluster({ kubeconfig: file });
    await expect(podGet(hanging, 'demo', 'p', 15000, '/', 200)).rejects.toThrow(/handshake has timed out/);
  });
});
