import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ApiError, connectCluster, keyOf } from '../../src/cluster/client.js';
import { testCluster, virtualService } from '../support/cluster.js';

const filter = (value: object) => ({ configPatches: [{ applyTo: 'CLUSTER', patch: { operation: 'MERGE', value } }] });

describe('the cluster client', () => {
  it('creates, reads, lists, replaces and deletes, and keeps fields that no typed model knows', async () => {
    const { client } = await testCluster();
    const object = {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata: { name: 'shop', namespace: 'demo' },
      spec: filter({ unheardOf: { deep: [1, 2] } }),
    };
    const created = await client.create(object);
    expect(created.spec).toEqual(object.spec);
    expect(await client.get(keyOf(object))).toEqual(created);
    expect(await client.list('networking.istio.io/v1alpha3', 'EnvoyFilter', 'demo')).toEqual([created]);
    const replaced = await client.replace({ ...created, spec: filter({ unheardOf: {} }) });
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
    const wrong = virtualService('shop', 10);
    const refused = client.create({ ...wrong, spec: { ...wrong.spec, hosts: 'shop' } });
    await expect(refused).rejects.toBeInstanceOf(ApiError);
    await expect(refused).rejects.toThrow(/hosts in body must be of type array/);
  });

  it('names the address and the remedy when nobody answers, or something that is no API server', async () => {
    const page = createServer((_request, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1');
    await once(page, 'listening');
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
