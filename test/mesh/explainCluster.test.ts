import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testCluster } from '../support/cluster.js';
import { deployment, explain } from '../support/explain.js';
import { objects, pods, SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';

/** A cluster in which v1 has three ready pods and v2 one, under 90/10. */
async function cluster() {
  const { dir, store } = await testCluster();
  const live = objects([deployment('client', ''), SERVICE, SUBSETS, virtualService(split(90, 10))].join('---'));
  for (const object of [...live, ...pods('shop', 'v1', 3), ...pods('shop', 'v2', 1)]) {
    const [group = '', version] = object.apiVersion.split('/');
    store.put(`${object.kind.toLowerCase()}s${version ? `.${group}` : ''}`, object);
  }
  return { dir, kubeconfig: join(dir, 'kubeconfig') };
}

const ASK = ['--from', 'client.demo', '--to', 'shop:80', '--json'];

describe('explain with a live cluster', () => {
  it('reads the objects of the context', async () => {
    const { dir, kubeconfig } = await cluster();
    const { stdout, code } = await explain(dir, '--kubeconfig', kubeconfig, '--context', 'weighbridge-lab', ...ASK);
    const { share, routes } = JSON.parse(stdout);
    expect([code, share]).toEqual([0, { v1: 0.9, v2: 0.1 }]);
    expect(routes[0].destinations).toMatchObject([
      { subset: 'v1', endpoints: 3 },
      { subset: 'v2', endpoints: 1 },
    ]);
  });

  it('lays the files over them', async () => {
    const { dir, kubeconfig } = await cluster();
    writeFileSync(join(dir, 'even.yaml'), virtualService(split(50, 50)));
    const { stdout } = await explain(dir, '--kubeconfig', kubeconfig, '-f', 'even.yaml', ...ASK);
    expect(JSON.parse(stdout)).toMatchObject({
      share: { v1: 0.5, v2: 0.5 },
      // Of the cluster's own Namespace.
      warnings: [{ code: 'NOT_INJECTED', object: 'Namespace/demo' }],
    });
  });

  it('compares them with a branch', async () => {
    const { dir, kubeconfig } = await cluster();
    writeFileSync(join(dir, 'branch.yaml'), virtualService(split(70, 30)));
    const { stdout, code } = await explain(
      dir,
      '--kubeconfig',
      kubeconfig,
      '--diff',
      'branch.yaml',
      '--from',
      'client.demo',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('30 %');
  });

  it('refuses a context that the kubeconfig lacks', async () => {
    const { dir, kubeconfig } = await cluster();
    await expect(explain(dir, '--kubeconfig', kubeconfig, '--context', 'prod', ...ASK)).rejects.toThrow(/prod/);
  });

  it('needs manifests or a cluster', async () => {
    const { dir } = await cluster();
    await expect(explain(dir, ...ASK)).rejects.toThrow(/--context/);
  });
});
