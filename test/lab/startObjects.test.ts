import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { type Lab, startLab } from '../../src/lab/lab.js';
import type { ObjectsRefused } from '../../src/lab/startObjects.js';
import { bookinfo } from '../support/bookinfo.js';
import { objects } from '../support/mesh.js';
import { definition, deployment, service } from '../support/objects.js';

let lab: Lab | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

async function started(...given: KubeObject[]): Promise<Lab> {
  lab = await startLab({ objects: given, apps: {} });
  return lab;
}
const labels = { app: 'web', version: 'v1' };
const inDefault = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace: 'default' },
});

describe('objects that a cluster has already', () => {
  const SPACE: KubeObject = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default', labels: { 'istio-injection': 'enabled' } },
  };
  it('the labels of a Namespace are laid over its own, and decide about sidecars', async () => {
    const { store } = await started(inDefault(deployment('web', labels)), SPACE);
    expect(store.get('namespaces', undefined, 'default')?.metadata.labels).toEqual({
      'kubernetes.io/metadata.name': 'default',
      'istio-injection': 'enabled',
    });
    const [pod] = store.list('pods').filter(({ metadata }) => metadata.namespace === 'default');
    const containers = pod?.spec?.containers as { name: string }[];
    expect(containers.map(({ name }) => name)).toContain('istio-proxy');
  });
  it("a ServiceAccount that is there, and the mesh's own configuration, are changed", async () => {
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'default', labels: { team: 'a' } },
    };
    const mesh = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio', namespace: 'istio-system' },
      data: { mesh: 'outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n' },
    };
    const { store } = await started(account, mesh);
    expect(store.get('serviceaccounts', 'default', 'default')?.metadata.labels).toEqual({ team: 'a' });
    expect(store.get('configmaps', 'istio-system', 'istio')?.data).toEqual(mesh.data);
  });
});

describe('kinds that the objects define themselves', () => {
  const custom = (kind: string, namespace: string | undefined, spec: Record<string, unknown> = {}): KubeObject => ({
    apiVersion: 'example.com/v1',
    kind,
    metadata: { name: 'one', ...(namespace ? { namespace } : {}) },
    spec,
  });
  const WIDGETS = definition('Namespaced', 'widgets', 'Widget');

  it('are stored with the defaults of their schema, wherever the definition stands', async () => {
    const { store, unknownObjects } = await started(custom('Widget', 'shop'), WIDGETS);
    expect(store.get('widgets.example.com', 'shop', 'one')?.spec).toEqual({ size: 3 });
    expect(unknownObjects).toEqual([]);
  });
  it('one without a namespace is in default', async () => {
    const { store } = await started(WIDGETS, custom('Widget', undefined));
    expect(store.get('widgets.example.com', 'default', 'one')).toBeDefined();
  });
  it('one that belongs to no namespace loses the one that is written, which is not made', async () => {
    const { store } = await started(definition('Cluster', 'plants', 'Plant'), custom('Plant', 'shop'));
    expect(store.get('plants.example.com', undefined, 'one')?.metadata.namespace).toBeUndefined();
    expect(store.get('namespaces', undefined, 'shop')).toBeUndefined();
  });
  it('another version than the definition serves, and kinds without one, are left out', async () => {
    const other = { ...custom('Widget', 'shop'), apiVersion: 'example.com/v2' };
    const stranger = custom('Gadget', 'shop');
    const { unknownObjects } = await started(WIDGETS, other, stranger);
    expect(unknownObjects).toEqual([other, stranger]);
  });
  it('what the schema does not take is refused as it was given', async () => {
    const wrong = custom('Widget', undefined, { size: 'large' });
    const refused = await started(wrong, WIDGETS).catch((error: unknown) => error);
    expect(refused).toMatchObject({ refusals: [{ object: wrong, field: 'spec.size' }] });
    expect((refused as ObjectsRefused).refusals[0]?.object).toBe(wrong);
  });
});

describe('where users come in', () => {
  const front = (name: string, type: string): KubeObject => {
    const { spec, ...object } = service(name, labels);
    return inDefault({ ...object, spec: { ...spec, type } });
  };
  const entry = async (...given: KubeObject[]) => (await started(...given)).entry()?.service;
  const shop = (left: string) =>
    Object.values(bookinfo('[{route: [{destination: {host: reviews}}]}]'))
      .flatMap(objects)
      .filter(({ kind }) => kind !== left)
      .map(inDefault);

  it.each<[string, readonly KubeObject[], string]>([
    ['a load balancer', [front('a', 'ClusterIP'), front('b', 'NodePort'), front('c', 'LoadBalancer')], 'c'],
    ['else a port of the nodes', [front('a', 'ClusterIP'), front('b', 'NodePort')], 'b'],
    ["else what a gateway's route leads to", shop('none'), 'productpage'],
    ['else whose image is known to call others', shop('VirtualService'), 'productpage'],
    ['else the first Service', [front('a', 'ClusterIP'), front('b', 'ClusterIP')], 'a'],
  ])('%s', async (_, given, expected) => {
    expect(await entry(...given)).toBe(expected);
  });
  it('follows the objects', async () => {
    const { entry: now, store } = await started(front('a', 'ClusterIP'));
    expect(now()?.service).toBe('a');
    store.put('services', front('b', 'LoadBalancer'));
    expect(now()?.service).toBe('b');
  });
});
