import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { caller, objects, pod } from '../support/mesh.js';

const service = (targetPort: string, selector = '{app: shop}') =>
  objects(`
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: demo}
spec: {selector: ${selector}, ports: [{name: http, port: 80, targetPort: ${targetPort}}]}
`);

const endpointsOf = (all: readonly KubeObject[]) =>
  compileProxyConfig([...all], caller()).clusters['outbound|80||shop.demo.svc.cluster.local']!.endpoints;

const deployment = (name: string, replicas: string) =>
  objects(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: demo}
spec:
  ${replicas}
  template:
    metadata: {labels: {app: shop, version: v1}}
    spec: {containers: [{name: shop, ports: [{name: web, containerPort: 9000}]}]}
`);

describe('endpoints from pods', () => {
  it('a numeric target port is taken as it is', () => {
    expect(endpointsOf([...service('8081'), pod('shop', 'v1')]).map((one) => one.targetPort)).toEqual([8081]);
  });
  it('a named target port is the container port of that name', () => {
    expect(endpointsOf([...service('web'), pod('shop', 'v1')]).map((one) => one.targetPort)).toEqual([8080]);
  });
  it('a pod without the named port is no endpoint', () => {
    expect(endpointsOf([...service('nope'), pod('shop', 'v1')])).toEqual([]);
  });
  it('a terminating pod is no endpoint', () => {
    const leaving = pod('shop', 'v1');
    const gone = { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(endpointsOf([...service('8080'), gone, pod('shop', 'v2')]).map((one) => one.pod)).toEqual([
      'demo/shop-v2-0',
    ]);
  });
  it.each(['Succeeded', 'Failed'])('a %s pod is no endpoint', (phase) => {
    const done = pod('shop', 'v1');
    expect(endpointsOf([...service('8080'), { ...done, status: { ...done.status, phase } }])).toEqual([]);
  });
  it('a pod without an address is no endpoint', () => {
    const pending = pod('shop', 'v1');
    expect(endpointsOf([...service('8080'), { ...pending, status: { phase: 'Pending' } }])).toEqual([]);
  });
  it('a pod of another namespace is no endpoint', () => {
    expect(endpointsOf([...service('8080'), pod('shop', 'v1', 0, { namespace: 'ops' })])).toEqual([]);
  });
  it('every label of the selector counts', () => {
    const all = [...service('8080', '{app: shop, version: v2}'), pod('shop', 'v1'), pod('shop', 'v2')];
    expect(endpointsOf(all).map((one) => one.pod)).toEqual(['demo/shop-v2-0']);
  });
  it('the workload is the Deployment behind the ReplicaSet', () => {
    const owned = pod('shop', 'v1');
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'shop-v1-6d4cf56db6', uid: 'u', controller: true };
    const labels = { ...owned.metadata.labels, 'pod-template-hash': '6d4cf56db6' };
    const all = [...service('8080'), { ...owned, metadata: { ...owned.metadata, labels, ownerReferences: [owner] } }];
    expect(endpointsOf(all).map((one) => one.workload)).toEqual(['shop-v1']);
  });
  it('a Service without a selector has the endpoints of its slices', () => {
    const slice = objects(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: shop-1, namespace: demo, labels: {kubernetes.io/service-name: shop}}
ports: [{name: http, port: 9090}]
endpoints: [{addresses: [192.0.2.1], conditions: {ready: true}}, {addresses: [192.0.2.2], conditions: {ready: false}}]
`);
    expect(
      endpointsOf([...service('8080', '{}'), ...slice]).map(({ ip, targetPort, ready }) => [ip, targetPort, ready]),
    ).toEqual([
      ['192.0.2.1', 9090, true],
      ['192.0.2.2', 9090, false],
    ]);
  });
});

describe('endpoints from manifests alone', () => {
  it('a Deployment yields one ready pod by default', () => {
    const [only, ...others] = endpointsOf([...service('web'), ...deployment('shop', '')]);
    expect([only?.ready, only?.targetPort, only?.workload, others.length]).toEqual([true, 9000, 'shop', 0]);
  });
  it('replicas are pods with addresses of their own', () => {
    const found = endpointsOf([...service('web'), ...deployment('shop', 'replicas: 3')]);
    expect(new Set(found.map((one) => one.ip)).size).toBe(3);
  });
  it('replicas: 0 yields none', () => {
    expect(endpointsOf([...service('web'), ...deployment('shop', 'replicas: 0')])).toEqual([]);
  });
  it('as soon as there is one pod, Deployments yield nothing', () => {
    const all = [...service('8080'), ...deployment('other', 'replicas: 3'), pod('shop', 'v1')];
    expect(endpointsOf(all).map((one) => one.pod)).toEqual(['demo/shop-v1-0']);
  });
});
