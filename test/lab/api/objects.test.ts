import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../../../src/lab/control/store.js';
import { type Cluster, startCluster } from '../../support/api-server.js';
import { deployment, runningPod, service, virtualService } from '../../support/objects.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ store: new Store() });
});
afterAll(() => cluster.close());
beforeEach(async () => {
  await cluster.call('DELETE', '/api/v1/namespaces/shop');
  await cluster.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
});

const SHOP = '/api/v1/namespaces/shop';
const APPS = '/apis/apps/v1/namespaces/shop';
const ISTIO = '/apis/networking.istio.io/v1/namespaces/shop';
const labels = { app: 'web', version: 'v1' };
const map = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more });

describe('create', () => {
  it('gives identity, version, generation and times, and fills in what clients read', async () => {
    const { status, json } = await cluster.call(
      'POST',
      `${APPS}/deployments?fieldManager=me`,
      deployment('web', labels),
    );
    expect(status).toBe(201);
    expect(json.metadata).toMatchObject({
      name: 'web',
      namespace: 'shop',
      generation: 1,
      managedFields: [{ manager: 'me', operation: 'Update' }],
    });
    expect(json.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(json.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(json.spec).toMatchObject({ replicas: 1, strategy: { type: 'RollingUpdate' }, progressDeadlineSeconds: 600 });
    expect(json.status).toEqual({});
  });

  it('gives Services addresses that differ and stay', async () => {
    const a = await cluster.call('POST', `${SHOP}/services`, service('a', labels));
    const b = await cluster.call('POST', `${SHOP}/services`, service('b', labels));
    expect(a.json.spec).toMatchObject({ type: 'ClusterIP', ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }] });
    expect(a.json.spec.clusterIP).toMatch(/^10\.96\.\d+\.\d+$/);
    expect(b.json.spec.clusterIP).not.toBe(a.json.spec.clusterIP);
    const moved = { ...a.json, spec: { ...a.json.spec, clusterIP: '10.96.0.99' } };
    expect((await cluster.call('PUT', `${SHOP}/services/a`, moved)).json.message).toContain(
      'spec.clusterIP: Invalid value: "10.96.0.99": may not change once set',
    );
    const headless = service('c', labels);
    const { json } = await cluster.call('POST', `${SHOP}/services`, {
      ...headless,
      spec: { ...headless.spec, clusterIP: 'None' },
    });
    expect(json.spec.clusterIP).toBe('None');
  });

  it('generates names', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'map-' } };
    const names = await Promise.all(
      [1, 2, 3].map(async () => (await cluster.call('POST', `${SHOP}/configmaps`, body)).json.metadata.name),
    );
    for (const name of names) expect(name).toMatch(/^map-[b-z0-9]{5}$/);
    expect(new Set(names).size).toBe(3);
  });

  it('turns stringData of a Secret into data', async () => {
    const { json } = await cluster.call('POST', `${SHOP}/secrets`, {
      metadata: { name: 's' },
      data: { a: 'QQ==' },
      stringData: { b: 'B' },
    });
    expect(json).toMatchObject({ type: 'Opaque', data: { a: 'QQ==', b: 'Qg==' } });
    expect(json.stringData).toBeUndefined();
  });

  it('takes YAML and answers YAML', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-yaml\ndata:\n  on: "yes"\n';
    const answer = await cluster.call('POST', `${SHOP}/configmaps`, yaml, {
      'Content-Type': 'application/yaml',
      Accept: 'application/yaml',
    });
    expect(answer.status).toBe(201);
    expect(answer.text).toContain('kind: ConfigMap');
    // YAML 1.1, as the API server reads it: an unquoted `on` is a boolean.
    expect(cluster.store.get('configmaps', 'shop', 'from-yaml')?.data).toEqual({ true: 'yes' });
  });

  it.each<[string, string, unknown, number, string]>([
    ['a name that exists', `${SHOP}/configmaps`, map('kube'), 409, 'configmaps "kube" already exists'],
    ['no name', `${SHOP}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap' }, 422, 'name or generateName is required'],
    ['a bad name', `${SHOP}/configmaps`, map('Not_A_Name'), 422, 'a lowercase RFC 1123 subdomain must consist of'],
    ['a missing namespace', '/api/v1/namespaces/none/configmaps', map('a'), 404, 'namespaces "none" not found'],
    ['no namespace', '/api/v1/configmaps', map('a'), 400, 'an empty namespace may not be set during creation'],
    [
      'another namespace',
      `${SHOP}/configmaps`,
      { ...map('a'), metadata: { name: 'a', namespace: 'other' } },
      400,
      'does not match the namespace',
    ],
    [
      'another kind',
      `${SHOP}/configmaps`,
      { ...map('a'), kind: 'Secret' },
      400,
      'Secret in version "v1" cannot be handled as a ConfigMap',
    ],
    [
      'another version',
      `${ISTIO}/virtualservices`,
      { ...virtualService('a', { v1: 1 }), apiVersion: 'networking.istio.io/v1beta1' },
      400,
      'does not match the expected API version',
    ],
    [
      'a resourceVersion',
      `${SHOP}/configmaps`,
      { ...map('a'), metadata: { name: 'a', resourceVersion: '5' } },
      400,
      'resourceVersion should not be set',
    ],
    [
      'labels that are no text',
      `${SHOP}/configmaps`,
      { ...map('a'), metadata: { name: 'a', labels: { version: 1 } } },
      400,
      'cannot unmarshal integer into field metadata.labels.version of type string',
    ],
    [
      'a selector that misses the template',
      `${APPS}/deployments`,
      {
        ...deployment('web', labels),
        spec: { ...deployment('web', labels).spec, selector: { matchLabels: { app: 'other' } } },
      },
      422,
      '`selector` does not match template `labels`',
    ],
    [
      'no containers',
      `${APPS}/deployments`,
      {
        ...deployment('web', labels),
        spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: {} } },
      },
      422,
      'spec.template.spec.containers: Required value',
    ],
    [
      'a port out of range',
      `${SHOP}/services`,
      service('web', labels, 70_000),
      422,
      'spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535',
    ],
    [
      'two ports without names',
      `${SHOP}/services`,
      { ...service('web', labels), spec: { ports: [{ port: 1 }, { port: 2 }] } },
      422,
      'spec.ports[0].name: Required value',
    ],
  ])('refuses %s', async (_, path, body, code, message) => {
    await cluster.call('POST', `${SHOP}/configmaps`, map('kube'));
    const answer = await cluster.call('POST', path, body);
    expect([answer.status, answer.json.code]).toEqual([code, code]);
    expect(answer.json.message).toContain(message);
  });
});

describe('errors carry the details that clients look at', () => {
  it('not found', async () => {
    expect((await cluster.call('GET', `${APPS}/deployments/none`)).json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'deployments.apps "none" not found',
      reason: 'NotFound',
      details: { name: 'none', group: 'apps', kind: 'deployments' },
      code: 404,
    });
  });
  it('invalid, one cause a field', async () => {
    const { json } = await cluster.call('POST', `${APPS}/deployments`, { ...deployment('web', labels), spec: {} });
    expect(json.message).toBe(
      'Deployment.apps "web" is invalid: [spec.selector: Required value: , spec.template: Required value: ]',
    );
    expect(json.details.causes.map((cause: { field: string }) => cause.field)).toEqual([
      'spec.selector',
      'spec.template',
    ]);
  });
});

describe('update', () => {
  it('raises the generation with the spec only, and the version with anything', async () => {
    const { json: created } = await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels));
    const labelled = { ...created, metadata: { ...created.metadata, labels: { x: 'y' } } };
    const { json: first } = await cluster.call('PUT', `${APPS}/deployments/web`, labelled);
    expect(first.metadata.generation).toBe(1);
    expect(Number(first.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion));
    const scaled = { ...first, spec: { ...first.spec, replicas: 2 } };
    const { json: second } = await cluster.call('PUT', `${APPS}/deployments/web`, scaled);
    expect(second.metadata).toMatchObject({
      generation: 2,
      uid: created.metadata.uid,
      creationTimestamp: created.metadata.creationTimestamp,
    });
    const { json: same } = await cluster.call('PUT', `${APPS}/deployments/web`, second);
    expect(same.metadata.resourceVersion).toBe(second.metadata.resourceVersion);
  });

  it('refuses a version that is not the newest, and takes none for built-in kinds', async () => {
    const { json: created } = await cluster.call('POST', `${SHOP}/configmaps`, map('a', { data: { n: '1' } }));
    await cluster.call('PUT', `${SHOP}/configmaps/a`, { ...created, data: { n: '2' } });
    const stale = await cluster.call('PUT', `${SHOP}/configmaps/a`, { ...created, data: { n: '3' } });
    expect(stale.json).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: expect.stringContaining('Operation cannot be fulfilled on configmaps "a": the object has been modified'),
    });
    expect((await cluster.call('PUT', `${SHOP}/configmaps/a`, map('a', { data: { n: '4' } }))).json.data).toEqual({
      n: '4',
    });
    await cluster.call('POST', `${ISTIO}/virtualservices`, virtualService('a', { v1: 1 }));
    const blind = await cluster.call('PUT', `${ISTIO}/virtualservices/a`, virtualService('a', { v1: 2 }));
    expect(blind.json.message).toBe(
      'VirtualService.networking.istio.io "a" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
    );
  });

  it('keeps what must not change', async () => {
    const { json } = await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels));
    const other = { ...json, spec: deployment('web', { app: 'other' }).spec };
    expect((await cluster.call('PUT', `${APPS}/deployments/web`, other)).json.message).toContain(
      'spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
    );
    const foreign = { ...json, metadata: { ...json.metadata, uid: 'other' } };
    expect((await cluster.call('PUT', `${APPS}/deployments/web`, foreign)).json.message).toContain(
      'Precondition failed: UID in precondition: other',
    );
    const renamed = { ...json, metadata: { ...json.metadata, name: 'x' } };
    expect((await cluster.call('PUT', `${APPS}/deployments/web`, renamed)).status).toBe(400);
  });

  it('separates status from the rest', async () => {
    const { json } = await cluster.call('POST', `${APPS}/deployments`, {
      ...deployment('web', labels),
      status: { replicas: 9 },
    });
    expect(json.status).toEqual({});
    const { json: reported } = await cluster.call('PUT', `${APPS}/deployments/web/status`, {
      ...json,
      spec: { ...json.spec, replicas: 7 },
      status: { replicas: 1, observedGeneration: 1 },
    });
    expect([reported.status.replicas, reported.spec.replicas, reported.metadata.generation]).toEqual([1, 1, 1]);
    const patch = { metadata: { labels: { a: 'b' } }, spec: { replicas: 2 }, status: { replicas: 5 } };
    const headers = { 'Content-Type': 'application/merge-patch+json' };
    const { json: patched } = await cluster.call('PATCH', `${APPS}/deployments/web`, patch, headers);
    expect([patched.status.replicas, patched.spec.replicas, patched.metadata.labels.a]).toEqual([1, 2, 'b']);
    const { json: status } = await cluster.call('PATCH', `${APPS}/deployments/web/status`, patch, headers);
    expect([status.status.replicas, status.spec.replicas]).toEqual([5, 2]);
  });
});

describe('scale', () => {
  it('reads and writes replicas as a Scale', async () => {
    await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels, { replicas: 2 }));
    const { json } = await cluster.call('GET', `${APPS}/deployments/web/scale`);
    expect(json).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { replicas: 0, selector: 'app=web,version=v1' },
    });
    const put = await cluster.call('PUT', `${APPS}/deployments/web/scale`, { ...json, spec: { replicas: 4 } });
    expect(put.json.spec).toEqual({ replicas: 4 });
    expect(
      (await cluster.call('PUT', `${APPS}/deployments/web/scale`, { ...json, spec: { replicas: 5 } })).json.reason,
    ).toBe('Conflict');
    const negative = await cluster.call(
      'PATCH',
      `${APPS}/deployments/web/scale`,
      { spec: { replicas: -1 } },
      { 'Content-Type': 'application/merge-patch+json' },
    );
    expect(negative.json.reason).toBe('Invalid');
    expect(cluster.store.get('deployments.apps', 'shop', 'web')?.metadata.generation).toBe(2);
  });
});

describe('list', () => {
  it('selects by namespace, labels and fields, in order of names', async () => {
    const put = (name: string, namespace: string, of: Record<string, string>) =>
      cluster.store.put('pods', runningPod(name, namespace, of));
    put('c', 'shop', { app: 'web', version: 'v2' });
    put('a', 'shop', { app: 'web', version: 'v1' });
    put('b', 'shop', { app: 'db' });
    put('d', 'default', { app: 'web' });
    const names = async (path: string) =>
      (await cluster.call('GET', path)).json.items.map((pod: { metadata: { name: string } }) => pod.metadata.name);
    expect(await names(`${SHOP}/pods`)).toEqual(['a', 'b', 'c']);
    expect(await names('/api/v1/pods')).toEqual(['d', 'a', 'b', 'c']);
    expect(await names(`${SHOP}/pods?labelSelector=${encodeURIComponent('app=web,version in (v1, v3)')}`)).toEqual([
      'a',
    ]);
    expect(await names(`${SHOP}/pods?labelSelector=${encodeURIComponent('!version')}`)).toEqual(['b']);
    expect(await names('/api/v1/pods?fieldSelector=metadata.namespace%3Ddefault,status.phase%3DRunning')).toEqual([
      'd',
    ]);
    expect(await names('/api/v1/pods?fieldSelector=metadata.name!%3Da,metadata.namespace%3Dshop&limit=1')).toEqual([
      'b',
      'c',
    ]);
    cluster.store.remove('pods', 'default', 'd');
  });

  it('serves one object in every version of its group', async () => {
    await cluster.call('POST', '/apis/networking.istio.io/v1alpha3/namespaces/shop/virtualservices', {
      ...virtualService('a', { v1: 1 }),
      apiVersion: 'networking.istio.io/v1alpha3',
    });
    for (const version of ['v1', 'v1beta1', 'v1alpha3']) {
      const { json } = await cluster.call('GET', `/apis/networking.istio.io/${version}/virtualservices`);
      expect([json.apiVersion, json.items[0].apiVersion]).toEqual(Array(2).fill(`networking.istio.io/${version}`));
    }
    expect(cluster.store.get('virtualservices.networking.istio.io', 'shop', 'a')?.apiVersion).toBe(
      'networking.istio.io/v1',
    );
  });

  it('answers every resource that Kiali lists, with empty lists where nothing is', async () => {
    const wanted = [
      'api/v1/configmaps',
      'api/v1/endpoints',
      'api/v1/pods',
      'api/v1/services',
      ...['daemonsets', 'deployments', 'replicasets', 'statefulsets'].map((kind) => `apis/apps/v1/${kind}`),
      ...[
        'destinationrules',
        'gateways',
        'serviceentries',
        'sidecars',
        'virtualservices',
        'workloadentries',
        'workloadgroups',
      ].map((kind) => `apis/networking.istio.io/v1/${kind}`),
      'apis/networking.istio.io/v1alpha3/envoyfilters',
      ...['authorizationpolicies', 'peerauthentications', 'requestauthentications'].map(
        (kind) => `apis/security.istio.io/v1/${kind}`,
      ),
      'apis/telemetry.istio.io/v1/telemetries',
      'apis/telemetry.istio.io/v1alpha1/telemetries',
      'apis/extensions.istio.io/v1alpha1/wasmplugins',
    ];
    const answers = await Promise.all(
      wanted.map(async (path) => [path, (await cluster.call('GET', `/${path}?limit=500&resourceVersion=0`)).json]),
    );
    for (const [path, json] of answers) {
      expect([
        path,
        Array.isArray(json.items),
        json.kind.endsWith('List'),
        /^\d+$/.test(json.metadata.resourceVersion),
      ]).toEqual([path, true, true, true]);
    }
  });

  it('renders tables and metadata on request', async () => {
    await cluster.call('POST', `${SHOP}/configmaps`, map('a', { data: { k: 'v' } }));
    const table = await cluster.call('GET', `${SHOP}/configmaps/a`, undefined, {
      Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    });
    expect(table.json).toMatchObject({
      kind: 'Table',
      columnDefinitions: [{ name: 'Name', format: 'name' }, { name: 'Data' }, { name: 'Age' }],
      rows: [{ cells: ['a', 1, expect.stringMatching(/^\ds$/)], object: { kind: 'PartialObjectMetadata' } }],
    });
    const partial = await cluster.call('GET', `${SHOP}/configmaps`, undefined, {
      Accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
    });
    expect(partial.json).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ kind: 'PartialObjectMetadata', metadata: { name: 'a' } }],
    });
    expect(partial.json.items[0].data).toBeUndefined();
  });
});

describe('delete', () => {
  const owned = (name: string, ...owners: { kind: string; name: string; uid?: string }[]) => {
    const pod = runningPod(name, 'shop');
    const ownerReferences = owners.map((owner) => ({ apiVersion: 'apps/v1', uid: '', ...owner }));
    return cluster.store.put('pods', { ...pod, metadata: { ...pod.metadata, ownerReferences } });
  };
  const create = async (name: string) =>
    (await cluster.call('POST', `${APPS}/deployments`, deployment(name, labels))).json.metadata.uid as string;

  it('takes along what the object owned, down the chain, and leaves what has another owner', async () => {
    const uid = await create('web');
    const set = cluster.store.put('replicasets.apps', {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: 'web-1',
        namespace: 'shop',
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid }],
      },
    });
    owned('mine', { kind: 'ReplicaSet', name: 'web-1', uid: set.metadata.uid! });
    owned(
      'shared',
      { kind: 'ReplicaSet', name: 'web-1', uid: set.metadata.uid! },
      { kind: 'ReplicaSet', name: 'other', uid: 'other' },
    );
    const { json } = await cluster.call('DELETE', `${APPS}/deployments/web`, { propagationPolicy: 'Background' });
    expect(json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'web', group: 'apps', kind: 'deployments', uid },
    });
    expect(cluster.store.list('replicasets.apps', 'shop')).toEqual([]);
    expect(cluster.store.get('pods', 'shop', 'mine')).toBeUndefined();
    expect(cluster.store.get('pods', 'shop', 'shared')?.metadata.ownerReferences).toEqual([
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'other', uid: 'other' },
    ]);
  });

  it('orphans on request', async () => {
    const uid = await create('web');
    owned('left', { kind: 'Deployment', name: 'web', uid });
    await cluster.call('DELETE', `${APPS}/deployments/web?propagationPolicy=Orphan`);
    expect(cluster.store.get('pods', 'shop', 'left')?.metadata.ownerReferences).toBeUndefined();
    expect(cluster.store.get('pods', 'shop', 'left')).toBeDefined();
  });

  it('keeps preconditions, dry runs and unknown policies apart', async () => {
    const uid = await create('web');
    const path = `${APPS}/deployments/web`;
    expect((await cluster.call('DELETE', path, { preconditions: { uid: 'other' } })).json.reason).toBe('Conflict');
    expect((await cluster.call('DELETE', path, { preconditions: { resourceVersion: '1' } })).json.reason).toBe(
      'Conflict',
    );
    expect((await cluster.call('DELETE', path, { propagationPolicy: 'Nuke' })).status).toBe(400);
    expect((await cluster.call('DELETE', `${path}?dryRun=All`)).status).toBe(200);
    expect((await cluster.call('DELETE', path, { dryRun: ['All'] })).status).toBe(200);
    expect(cluster.store.get('deployments.apps', 'shop', 'web')?.metadata.uid).toBe(uid);
    expect((await cluster.call('DELETE', path, { preconditions: { uid } })).status).toBe(200);
    expect((await cluster.call('DELETE', path)).status).toBe(404);
  });

  it('waits for finalizers', async () => {
    const { json } = await cluster.call('POST', `${SHOP}/configmaps`, {
      ...map('held'),
      metadata: { name: 'held', finalizers: ['x/y'] },
    });
    const marked = await cluster.call('DELETE', `${SHOP}/configmaps/held`);
    expect(marked.json.metadata.deletionTimestamp).toMatch(/Z$/);
    const released = { ...json, metadata: { ...marked.json.metadata, finalizers: [] } };
    expect((await cluster.call('PUT', `${SHOP}/configmaps/held`, released)).status).toBe(200);
    expect((await cluster.call('GET', `${SHOP}/configmaps/held`)).status).toBe(404);
  });

  it('deletes a selection', async () => {
    for (const name of ['a', 'b', 'c'])
      await cluster.call('POST', `${SHOP}/configmaps`, {
        ...map(name),
        metadata: { name, labels: { half: name === 'c' ? 'no' : 'yes' } },
      });
    const { json } = await cluster.call('DELETE', `${SHOP}/configmaps?labelSelector=half%3Dyes`);
    expect(json.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['a', 'b']);
    expect(cluster.store.list('configmaps', 'shop').map(({ metadata }) => metadata.name)).toEqual(['c']);
  });

  it('empties a namespace, owners first, and protects the two that every cluster has', async () => {
    const uid = await create('web');
    owned('pod', { kind: 'Deployment', name: 'web', uid });
    const seen: string[] = [];
    const stop = cluster.store.subscribe(({ type, resource, object }) =>
      seen.push(`${type} ${resource} ${object.metadata.name}`),
    );
    await cluster.call('DELETE', '/api/v1/namespaces/shop');
    stop();
    expect(seen).toEqual([
      'MODIFIED namespaces shop',
      'DELETED deployments.apps web',
      'DELETED pods pod',
      'DELETED namespaces shop',
    ]);
    expect((await cluster.call('DELETE', '/api/v1/namespaces/default')).json).toMatchObject({
      code: 403,
      reason: 'Forbidden',
    });
  });

  it('evicts a pod', async () => {
    owned('pod');
    expect(
      (
        await cluster.call('POST', `${SHOP}/pods/pod/eviction`, {
          kind: 'Eviction',
          apiVersion: 'policy/v1',
          metadata: { name: 'pod' },
        })
      ).status,
    ).toBe(201);
    expect(cluster.store.get('pods', 'shop', 'pod')).toBeUndefined();
  });
});

describe('dry runs', () => {
  it('answer what would be and store nothing', async () => {
    const before = cluster.store.resourceVersion;
    const created = await cluster.call('POST', `${SHOP}/services?dryRun=All`, service('dry', labels));
    expect(created.status).toBe(201);
    expect(created.json.metadata).toMatchObject({ name: 'dry', generation: 1 });
    expect(created.json.metadata.resourceVersion).toBeUndefined();
    expect(cluster.store.resourceVersion).toBe(before);
    expect(
      (await cluster.call('POST', `${ISTIO}/virtualservices?dryRun=All`, virtualService('a', { v1: 0, v2: 0 }))).status,
    ).toBe(400);
  });
});

describe('a server with a token', () => {
  it('refuses requests without it', async () => {
    const closed = await startCluster({ token: 'secret' });
    expect((await closed.call('GET', '/api')).json).toMatchObject({ code: 401, reason: 'Unauthorized' });
    expect((await closed.call('GET', '/api', undefined, { Authorization: 'Bearer secret' })).status).toBe(200);
    expect(closed.server.kubeconfig()).toContain('token: secret');
    await closed.close();
  });
  it('names the port that it cannot have', async () => {
    await expect(startCluster({ port: cluster.server.port })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${cluster.server.port}: listen EADDRINUSE`,
    );
  });
});
