import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { connectCluster } from '../../src/cluster/client.js';
import { startLab } from '../../src/lab/lab.js';
import { bookinfo } from '../support/bookinfo.js';
import { init, refusal } from '../support/init.js';
import { say } from '../support/io.js';
import { objects } from '../support/mesh.js';
import { eventually } from '../support/poll.js';
import { Folders } from '../support/scenario.js';
import { watchedApi } from '../support/watchedApi.js';

const folders = new Folders();
afterAll(() => folders.remove());

const EIGHTY =
  '[{route: [{destination: {host: reviews, subset: v1}, weight: 80}, {destination: {host: reviews, subset: v2}, weight: 20}]}]';

/** A lab that plays Istio's book shop, and a folder with its kubeconfig and, in `m`, the files that were applied. */
async function live() {
  const files = bookinfo(EIGHTY);
  const lab = await startLab({ objects: Object.values(files).flatMap(objects), apps: {} });
  onTestFinished(() => lab.close());
  await eventually(() => {
    for (const { status } of lab.store.list('deployments.apps')) expect(status?.availableReplicas).toBe(1);
  });
  const cwd = folders.make(Object.fromEntries(Object.entries(files).map(([name, text]) => [`m/${name}`, text])));
  writeFileSync(path.join(cwd, 'kubeconfig'), lab.kubeconfig);
  const written = (dir: string) => parse(readFileSync(path.join(cwd, dir, 'reviews-canary/scenario.yaml'), 'utf8'));
  return { cwd, lab, written };
}

describe('init on a live namespace', () => {
  test('writes the same release as from the files that were applied, and changes nothing', async () => {
    const { cwd, lab, written } = await live();
    const versions = () =>
      lab.store.list('virtualservices.networking.istio.io').map(({ metadata }) => metadata.resourceVersion);
    const before = versions();
    await init(cwd, '--kubeconfig', path.join(cwd, 'kubeconfig'), '--context', 'weighbridge-lab', '--dir', 'live');
    await init(cwd, '-f', 'm', '-n', 'demo', '--dir', 'files');
    expect(written('live')).toEqual(written('files'));
    expect(written('live').stages.map(({ name }: { name: string }) => name)).toEqual(['present', 'to-50', 'to-100']);
    expect(versions()).toEqual(before);
  });

  test('files are laid over it', async () => {
    const { cwd, written } = await live();
    writeFileSync(
      path.join(cwd, 'kept.yaml'),
      bookinfo(EIGHTY.replace('80', '40').replace('20', '60'))['rules.yaml'] ?? '',
    );
    await init(cwd, '--kubeconfig', path.join(cwd, 'kubeconfig'), '-n', 'demo', '-f', 'kept.yaml');
    expect(written('scenarios').stages[0].expect.share).toEqual({ v1: '40%' });
  });

  test('credentials of one namespace are enough, and what they do not show is said', async () => {
    const { cwd, lab, written } = await live();
    const client = await connectCluster({ kubeconfig: path.join(cwd, 'kubeconfig') });
    // Discovery and versions are for everybody.
    const whole = (asked: string) => /^\/(api|apis\/[^/]+)\/[^/]+\/(?!namespaces\/demo\/)./.test(asked);
    const { kubeconfig } = await watchedApi({ lab, client, dir: cwd }, whole);
    const { stderr } = await say(['init', '--kubeconfig', kubeconfig, '-n', 'demo', '--dir', 'one'], { cwd });
    expect(stderr).toMatch(/^not read: Namespace: .*forbidden/m);
    expect(stderr).toMatch(/^not read: other namespaces than demo of Service, Pod, Deployment, .*forbidden/m);
    await init(cwd, '-f', 'm', '-n', 'demo', '--dir', 'files');
    expect(written('one')).toEqual(written('files'));
  });

  test('a namespace without a release is refused, with what to bring', async () => {
    const { cwd } = await live();
    expect(await refusal(cwd, '--kubeconfig', path.join(cwd, 'kubeconfig'), '--namespace', 'kube-system')).toEqual([
      '--service:-: no Service has pods of two versions behind it (the pods of a release differ in the label version or app.kubernetes.io/version; bring both Deployments)',
    ]);
  });
});
