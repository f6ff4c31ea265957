import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, type Kubectl, kubectlFor, startCluster, until } from '../../support/api-server.js';
import { deployment, runningPod, service, virtualService } from '../../support/objects.js';
import { findPeer, peerPath } from '../../support/peers.js';

const binary = findPeer('kubectl');
/** kubectl before 1.27 leaves unknown fields to the server's warnings, and one before 1.24 sends JSON where newer ones send protobuf. */
const oldKubectl = binary !== undefined && binary === peerPath('kubectl-debian');

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const list = (...items: unknown[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
const labels = { app: 'web', version: 'v1' };

describe.skipIf(!binary)('an unmodified kubectl', () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  beforeAll(async () => {
    cluster = await startCluster({ podLog: (_, pod) => `hello from ${pod}\n` });
    kubectl = kubectlFor(binary ?? '', cluster.server);
    await kubectl('apply -f -', list(namespace('shop')));
  });
  afterAll(async () => {
    kubectl.remove();
    await cluster.close();
  });

  const stored = (resource: string, name: string) => cluster.store.get(resource, 'shop', name);
  /** Plays the Deployment controller: everything wanted is there and ready. */
  const settle = (name: string) => {
    const object = stored('deployments.apps', name)!;
    const replicas = Number(object.spec?.replicas);
    cluster.store.put('deployments.apps', {
      ...object,
      status: {
        observedGeneration: object.metadata.generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
        conditions: [{ type: 'Available', status: 'True' }],
      },
    });
  };

  it('applies a list of kinds, then says unchanged, then configured', async () => {
    const first = [deployment('web', labels), service('web', labels), virtualService('web', { v1: 90, v2: 10 })];
    const created = await kubectl('apply -n shop -f -', list(...first));
    expect(created).toMatchObject({ code: 0, stderr: '' });
    expect(created.stdout).toBe(
      'deployment.apps/web created\nservice/web created\nvirtualservice.networking.istio.io/web created\n',
    );
    const again = await kubectl('apply -n shop -f -', list(...first));
    expect(again.stdout).toBe(
      'deployment.apps/web unchanged\nservice/web unchanged\nvirtualservice.networking.istio.io/web unchanged\n',
    );
    const changed = await kubectl(
      'apply -n shop -f -',
      list(deployment('web', labels, { image: 'web:2' }), virtualService('web', { v1: 50, v2: 50 })),
    );
    expect(changed.stdout).toBe('deployment.apps/web configured\nvirtualservice.networking.istio.io/web configured\n');
    expect(stored('deployments.apps', 'web')?.spec?.template).toMatchObject({
      spec: { containers: [{ name: 'web', image: 'web:2', env: [{ name: 'A' }] }] },
    });
    expect(stored('virtualservices.networking.istio.io', 'web')?.spec).toMatchObject({
      http: [{ route: [{ weight: 50 }, { weight: 50 }] }],
    });
  });

  it('removes a field that is no longer in the applied file', async () => {
    const open = service('open', { app: 'open', version: 'v1' });
    await kubectl('apply -n shop -f -', JSON.stringify(open));
    await kubectl('apply -n shop -f -', JSON.stringify(service('open', { app: 'open' })));
    expect(stored('services', 'open')?.spec?.selector).toEqual({ app: 'open' });
  });

  it('applies on the server, takes fields away again and reports conflicts', async () => {
    const config = (data: Record<string, string>) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'ssa' }, data });
    expect((await kubectl('apply --server-side -n shop -f -', config({ a: '1', b: '2' }))).stdout).toBe(
      'configmap/ssa serverside-applied\n',
    );
    await kubectl('apply --server-side -n shop -f -', config({ a: '1' }));
    expect(stored('configmaps', 'ssa')?.data).toEqual({ a: '1' });
    const other = await kubectl('apply --server-side --field-manager=other -n shop -f -', config({ a: '9' }));
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl": .data.a');
    const forced = await kubectl(
      'apply --server-side --field-manager=other --force-conflicts -n shop -f -',
      config({ a: '9' }),
    );
    expect(forced.code).toBe(0);
    expect(stored('configmaps', 'ssa')?.data).toEqual({ a: '9' });
  });

  it('moves from client-side to server-side apply without a conflict', async () => {
    await kubectl('apply -n shop -f -', JSON.stringify(virtualService('moved', { v1: 90, v2: 10 })));
    const moved = await kubectl(
      'apply --server-side -n shop -f -',
      JSON.stringify(virtualService('moved', { v1: 80, v2: 20 })),
    );
    expect(moved).toMatchObject({ code: 0, stdout: 'virtualservice.networking.istio.io/moved serverside-applied\n' });
    expect(stored('virtualservices.networking.istio.io', 'moved')?.spec).toMatchObject({
      http: [{ route: [{ weight: 80 }, { weight: 20 }] }],
    });
  });

  it('changes nothing in a dry run, and shows the difference', async () => {
    const before = cluster.store.resourceVersion;
    const dry = await kubectl(
      'apply --dry-run=server -n shop -f -',
      list(virtualService('web', { v1: 10, v2: 90 }), virtualService('new', { v1: 1 })),
    );
    expect(dry.stdout).toBe(
      'virtualservice.networking.istio.io/web configured (server dry run)\nvirtualservice.networking.istio.io/new created (server dry run)\n',
    );
    const diff = await kubectl('diff -n shop -f -', JSON.stringify(virtualService('web', { v1: 10, v2: 90 })));
    expect(diff.code).toBe(1);
    expect(diff.stdout).toMatch(/-\s+weight: 50[\s\S]*\+\s+weight: 10/);
    expect(cluster.store.resourceVersion).toBe(before);
    expect(stored('virtualservices.networking.istio.io', 'new')).toBeUndefined();
  });

  it('names a typo and an invalid weight, as the CRD and the webhook do', async () => {
    const typo = virtualService('bad', { v1: 90 }) as { spec: { http: { route: object[] }[] } };
    typo.spec.http[0]!.route.push({ destination: { host: 'bad' }, wieght: 10 });
    const strict = await kubectl('apply -n shop -f -', JSON.stringify(typo));
    const refusal = oldKubectl ? 'Warning' : 'strict decoding error';
    expect(strict.stderr).toContain(`${refusal}: unknown field "spec.http[0].route[1].wieght"`);
    const none = await kubectl('apply -n shop -f -', JSON.stringify(virtualService('bad', { v1: 0, v2: 0 })));
    expect(none.stderr).toContain(
      'admission webhook "validation.istio.io" denied the request: configuration is invalid: total destination weight = 0',
    );
    if (oldKubectl) await kubectl('delete virtualservice bad -n shop');
    expect(stored('virtualservices.networking.istio.io', 'bad')).toBeUndefined();
  });

  it('scales, patches and sets images', async () => {
    expect((await kubectl('scale deploy/web -n shop --replicas=3')).stdout).toBe('deployment.apps/web scaled\n');
    expect(stored('deployments.apps', 'web')?.spec?.replicas).toBe(3);
    expect((await kubectl('set image deploy/web -n shop web=web:3')).stdout).toBe(
      'deployment.apps/web image updated\n',
    );
    await kubectl(
      `patch deploy/web -n shop -p '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"B","value":"2"}]}]}}}}'`,
    );
    expect(stored('deployments.apps', 'web')?.spec).toMatchObject({
      replicas: 3,
      template: {
        spec: {
          containers: [
            {
              image: 'web:3',
              env: [
                { name: 'B', value: '2' },
                { name: 'A', value: '1' },
              ],
            },
          ],
        },
      },
    });
    const json = await kubectl(
      `patch vs/web -n shop --type=json -p '[{"op":"replace","path":"/spec/http/0/route/1/weight","value":25}]'`,
    );
    expect(json.stdout).toBe('virtualservice.networking.istio.io/web patched\n');
    await kubectl(`patch vs/web -n shop --type=merge -p '{"spec":{"gateways":["mesh"]}}'`);
    expect(stored('virtualservices.networking.istio.io', 'web')?.spec).toMatchObject({
      gateways: ['mesh'],
      http: [{ route: [{ weight: 50 }, { weight: 25 }] }],
    });
    expect((await kubectl('label svc/web -n shop tier=front')).stdout).toBe('service/web labeled\n');
    expect(stored('services', 'web')?.metadata.labels).toEqual({ tier: 'front' });
  });

  it('waits for a rollout that another party finishes', async () => {
    const waiting = kubectl('rollout status deploy/web -n shop --timeout=10s');
    const condition = kubectl('wait --for=condition=Available deploy/web -n shop --timeout=10s');
    settle('web');
    expect((await waiting).stdout).toContain('deployment "web" successfully rolled out');
    expect((await condition).stdout).toBe('deployment.apps/web condition met\n');
    expect((await kubectl('rollout restart deploy/web -n shop')).stdout).toBe('deployment.apps/web restarted\n');
    const behind = await kubectl('rollout status deploy/web -n shop --watch=false');
    expect(behind.stdout).toContain('Waiting for deployment spec update to be observed');
    expect((await kubectl('wait --for=condition=Available deploy/none -n shop --timeout=1s')).stderr).toContain(
      'deployments.apps "none" not found',
    );
  });

  it('prints the usual columns, and whole objects', async () => {
    cluster.store.put('pods', runningPod('web-1', 'shop', labels));
    const pods = await kubectl('get pods -n shop -o wide');
    expect(pods.stdout).toMatch(/NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/);
    expect(pods.stdout).toMatch(/web-1 +1\/1 +Running +2 +\d+s +10\.244\.0\.7 +lab/);
    const all = await kubectl('get deploy,svc,vs -n shop');
    expect(all.stdout).toMatch(/deployment\.apps\/web +3\/3 +3 +3/);
    expect(all.stdout).toMatch(/virtualservice\.networking\.istio\.io\/web +\["mesh"\] +\["web"\]/);
    const json = await kubectl('get vs web -n shop -o json');
    expect(JSON.parse(json.stdout)).toMatchObject({ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService' });
    const old = await kubectl('get virtualservices.v1alpha3.networking.istio.io web -n shop -o yaml');
    expect(old.stdout).toContain('apiVersion: networking.istio.io/v1alpha3');
    expect(
      (await kubectl('get pods -A -l version in (v1,v2) -o name'.replace('version in (v1,v2)', "'version in (v1,v2)'")))
        .stdout,
    ).toBe('pod/web-1\n');
    expect((await kubectl('get pods -A --field-selector status.phase=Pending -o name')).stdout).toBe('');
    expect((await kubectl('get --raw /api/v1/namespaces/shop')).stdout).toContain('"name":"shop"');
    expect((await kubectl('describe deploy web -n shop')).stdout).toMatch(/Image: +web:3/);
    expect((await kubectl('describe pod web-1 -n shop')).stdout).toMatch(/Status: +Running/);
    expect((await kubectl('logs web-1 -n shop')).stdout).toBe('hello from web-1\n');
    expect((await kubectl('auth can-i get pods')).code).toBe(oldKubectl ? 0 : 1);
  });

  it('deletes, waits until it is gone, and tells what is not there', async () => {
    expect((await kubectl('delete vs web -n shop')).stdout).toContain(
      'virtualservice.networking.istio.io "web" deleted',
    );
    const absent = await kubectl('get vs web -n shop');
    expect(absent.stderr).toBe('Error from server (NotFound): virtualservices.networking.istio.io "web" not found\n');
    expect((await kubectl('delete vs web -n shop --ignore-not-found')).code).toBe(0);
    const waiting = kubectl('wait --for=delete pod/web-1 -n shop --timeout=10s');
    await kubectl('delete pod web-1 -n shop --wait=false');
    expect(stored('pods', 'web-1')?.metadata.deletionGracePeriodSeconds).toBe(30);
    expect((await kubectl('get pods -n shop')).stdout).toMatch(/web-1 +1\/1 +Terminating/);
    // The kubelet's part.
    cluster.store.remove('pods', 'shop', 'web-1');
    expect((await waiting).code).toBe(0);
    expect((await kubectl('get gizmos')).stderr).toContain(`the server doesn't have a resource type "gizmos"`);
  });

  it('deletes a namespace with all that is in it', async () => {
    await kubectl(
      'apply -f -',
      list(namespace('gone'), { ...service('a', {}), metadata: { name: 'a', namespace: 'gone' } }),
    );
    expect((await kubectl('delete namespace gone --timeout=10s')).code).toBe(0);
    expect(cluster.store.list('services', 'gone')).toEqual([]);
    const missing = await kubectl('apply -n gone -f -', JSON.stringify(service('b', {})));
    expect(missing.stderr).toContain('namespaces "gone" not found');
  });

  it('follows changes with get --watch', async () => {
    const { spawn } = await import('node:child_process');
    const child = spawn(kubectl.binary, ['get', 'services', '-n', 'shop', '--watch'], { env: kubectl.env });
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    await until('the first rows', () => (/web +ClusterIP/.test(out) ? true : undefined));
    const open = stored('services', 'open')!;
    cluster.store.put('services', { ...open, metadata: { ...open.metadata, name: 'later' } });
    await until('the new row', () => (/later +ClusterIP/.test(out) ? true : undefined));
    child.kill('SIGKILL');
    expect(out.match(/NAME/g)).toHaveLength(1);
  });
});
