import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../../../src/lab/control/store.js';
import { type Cluster, startCluster } from '../../support/api-server.js';
import { deployment, service, virtualService } from '../../support/objects.js';

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

  it('fills in templates so that what a typed client sends back is the same revision', async () => {
    const { json } = await cluster.call('POST', `${APPS}/deployments`, deployment('web', labels, { image: 'web' }));
    const [container] = json.spec.template.spec.containers;
    expect(container).toMatchObject({ imagePullPolicy: 'Always', resources: {}, ports: [{ protocol: 'TCP' }] });
    const typed = structuredClone(json.spec.template);
    typed.metadata.creationTimestamp = null;
    const patch = [{ op: 'replace', path: '/spec/template', value: typed }];
    const headers = { 'Content-Type': 'application/json-patch+json' };
    const back = await cluster.call('PATCH', `${APPS}/deployments/web`, patch, headers);
    expect(back.json.spec).toEqual(json.spec);
    expect(back.json.metadata.generation).toBe(1);
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
      'Deployment.apps "web" is invalid: [spec.selector: Required value: , spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`, spec.template.spec.containers: Required value: ]',
    );
    expect(json.details.causes.map((cause: { field: string }) => cause.field)).toEqual([
      'spec.selector',
      'spec.template.metadata.labels',
      'spec.template.spec.containers',
    ]);
  });
});
