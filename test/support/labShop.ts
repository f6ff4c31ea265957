import type { KubeObject } from '../../src/base/kubernetes.js';

/** Port of the Service `shop`; pods listen on {@link TARGET_PORT}. */
export const SERVICE_PORT = 8000;
export const TARGET_PORT = 9000;
export const NAMESPACE = 'demo';

export const deployed = (
  name: string,
  workload: string,
  ip: string,
  labels: Record<string, string>,
  ready: boolean,
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: NAMESPACE,
    labels: { ...labels, 'pod-template-hash': 'abc' },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${workload}-abc`, uid: `uid-${workload}`, controller: true },
    ],
  },
  spec: { containers: [{ name: 'app', ports: [{ containerPort: TARGET_PORT }] }] },
  status: { phase: 'Running', podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

/** A Service of the pods of `shop`; the one that every mesh has unless its rules hold another of that name. */
export const shopService = (spec: object = {}, name = 'shop', port: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: NAMESPACE, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    selector: { app: 'shop' },
    ports: [{ name: 'http', port: SERVICE_PORT, targetPort: TARGET_PORT, ...port }],
    ...spec,
  },
});

/** What the endpoints controller writes for a Service of the pods of `shop`. */
export const sliceOf = (service: KubeObject, addresses: readonly string[]): KubeObject =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service.metadata.name}-1`,
      namespace: NAMESPACE,
      labels: { 'kubernetes.io/service-name': service.metadata.name },
    },
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: ((service.spec?.ports ?? []) as { name: string; targetPort: number }[]).map(({ name, targetPort }) => ({
      name,
      port: targetPort,
    })),
  }) as KubeObject;

/** Subsets v1 and v2 of `shop`, with a traffic policy if one is given. */
export const subsets = (trafficPolicy?: object): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'shop', namespace: NAMESPACE },
  spec: {
    host: 'shop',
    subsets: ['v1', 'v2'].map((version) => ({ name: version, labels: { version } })),
    ...(trafficPolicy ? { trafficPolicy } : {}),
  },
});

export const virtualService = (...http: object[]): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'shop', namespace: NAMESPACE, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { hosts: ['shop'], http },
});

export const to = (subset: string, weight?: number): object => ({
  destination: { host: 'shop', subset },
  ...(weight === undefined ? {} : { weight }),
});
