import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ApiError, connectCluster, keyOf } from '../../src/cluster/client.js';
import { podGet } from '../../src/cluster/portForward.js';
import { testCluster, virtualService } from '../support/cluster.js';
import { eventually } from '../support/poll.js';

describe('the cluster client', () => {
  it('creates, reads, lists, replaces and deletes, and keeps fields that no typed model knows', async () => {
    const { client } = await testCluster();
    const object = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Sidecar',
      metadata: { name: 'shop', namespace: 'demo' },
      spec: { unheardOf: { deep: [1, 2] } },
    };
    const created = await client.create(object);
    expect(created.spec).toEqual(object.spec);
    expect(await client.get(keyOf(object))).toEqual(created);
    expect(await client.list('networking.istio.io/v1', 'Sidecar', 'demo')).toEqual([created]);
    const replaced = await client.replace({ ...created, spec: { unheardOf: {} } });
    expect(replaced.metadata.generation).toBe(2);
    await expect(client.replace(created)).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
    expect(await client.remove(keyOf(object))).toBe(true);
    expect(await client.remove(keyOf(object))).toBe(false);
    expect(await client.get(keyOf(object))).toBeUndefined();
  });

  it('answers nothing for kinds and namespaces that do not exist, and tells why a write is refused', async () => {
    const { client } = await testCluster();
    expect(await client.list('example.org/v1', 'Thing', 'demo')).toEqual([]);
    expect(await client.get({ apiVersion: 'v1', kind: 'Service', namespace: 'nowhere', name: 'x' })).toBeUndefined();
    const refused = client.create(virtualService('shop', -10));
    await expect(refused).rejects.toBeInstanceOf(ApiError);
    await expect(refused).rejects.toThrow(/weight -10 < 0/);
  });

  it('names the address and the remedy when nobody answers, or something that is no API server', async () => {
    const page = createServer((_request, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1');
    onTestFinished(() => void page.close());
    const { dir } = await testCluster();
    for (const [port, text] of [
      [1, /ECONNREFUSED/],
      [(page.address() as AddressInfo).port, /no JSON/],
    ] as const) {
      const file = join(dir, `kubeconfig-${port}`);
      writeFileSync(
        file,
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Config',
          clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
          users: [{ name: 'u', user: {} }],
          contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
          'current-context': 'x',
        }),
      );
      const client = await connectCluster({ kubeconfig: file });
      await expect(client.check()).rejects.toMatchObject({ exitCode: 4, code: 'E_CLUSTER' });
      await expect(client.check()).rejects.toThrow(text);
      await expect(client.check()).rejects.toThrow(`127.0.0.1:${port} (context x)`);
    }
  });

  it.each([
    [
      'a file that is not there',
      { kubeconfig: '/nowhere/kubeconfig' },
      /cannot read the kubeconfig \/nowhere\/kubeconfig/,
    ],
    ['a context that the file lacks', { context: 'prod' }, /no context prod/],
  ])('refuses %s', async (_sentence, options, text) => {
    const { dir } = await testCluster();
    await expect(connectCluster({ kubeconfig: join(dir, 'kubeconfig'), ...options })).rejects.toThrow(text);
  });
});

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
