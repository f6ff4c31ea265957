import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectCluster } from '../../src/cluster/client.js';
import { podGet } from '../../src/cluster/portForward.js';
import { testCluster } from '../support/cluster.js';
import { eventually } from '../support/poll.js';

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'demo' },
  spec: {},
  status: { phase: 'Running' },
};

/** A server of this machine that ends with the test. */
async function listening(server: TcpServer): Promise<{ host: string; port: number }> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

const silent = () => listening(createTcp(() => {}));

describe('a GET through port-forward', () => {
  it('reaches the port of the pod, whatever the size of the answer', async () => {
    const big = 'x'.repeat(3_000_000);
    const app = await listening(createServer((request, response) => response.end(`${request.url} ${big}`)));
    const { client, store } = await testCluster((_namespace, pod, port) =>
      pod === 'p' && port === 15000 ? app : undefined,
    );
    store.put('pods', POD);
    const answer = await podGet(client, 'demo', 'p', 15000, '/config_dump?include_eds');
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(`/config_dump?include_eds ${big}`);
    await expect(podGet(client, 'demo', 'p', 15001, '/')).rejects.toThrow();
    await expect(podGet(client, 'demo', 'absent', 15000, '/')).rejects.toThrow();
  });

  it('ends in time when the pod never answers', async () => {
    const place = await silent();
    const { client, store } = await testCluster(() => place);
    store.put('pods', POD);
    await expect(podGet(client, 'demo', 'p', 15000, '/', 300)).rejects.toThrow(/no complete answer within 300 ms/);
  });

  it('leaves nothing open, whether it succeeds, is refused or gets no answer', async () => {
    const places = {
      15000: await listening(createServer((_request, response) => response.end('hello'))),
      15001: await silent(),
    };
    const { client, store } = await testCluster((_namespace, _pod, port) => places[port as keyof typeof places]);
    store.put('pods', POD);
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
    const { dir, client } = await testCluster();
    const url = `http://127.0.0.1:${(await silent()).port}`;
    const file = join(dir, 'kubeconfig-silent');
    writeFileSync(file, readFileSync(join(dir, 'kubeconfig'), 'utf8').replaceAll(client.server, url));
    const hanging = await connectCluster({ kubeconfig: file });
    await expect(podGet(hanging, 'demo', 'p', 15000, '/', 200)).rejects.toThrow(/handshake has timed out/);
  });
});
