import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/base/kubernetes.js';
import type { Caller } from '../../src/mesh/types.js';

/** Objects of a YAML text with several documents; a missing namespace is `demo`, as kubectl -n demo would set it. */
export function objects(yaml: string): KubeObject[] {
  return parseAllDocuments(yaml).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const value = document.toJS() as KubeObject | null;
    if (!value) return [];
    return [{ ...value, metadata: { namespace: 'demo', ...value.metadata } }];
  });
}

export const caller = (over: Partial<Caller> = {}): Caller => ({
  workload: 'client',
  namespace: 'demo',
  labels: { app: 'client' },
  gateway: false,
  ...over,
});

/** A ready pod of `app`, with `version` and `ready` as told. */
export function pod(
  app: string,
  version: string,
  index = 0,
  over: { ready?: boolean; namespace?: string } = {},
): KubeObject {
  const namespace = over.namespace ?? 'demo';
  const name = `${app}-${version}-${index}`;
  const serial = [...`${namespace}/${name}`].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 65_000, 7);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app, version } },
    spec: { containers: [{ name: app, ports: [{ name: 'web', containerPort: 8080 }] }] },
    status: {
      phase: 'Running',
      podIP: `10.1.${serial >> 8}.${serial & 255}`,
      conditions: [{ type: 'Ready', status: over.ready === false ? 'False' : 'True' }],
    },
  };
}

export const pods = (app: string, version: string, count: number, over: Parameters<typeof pod>[3] = {}): KubeObject[] =>
  Array.from({ length: count }, (_, index) => pod(app, version, index, over));

export const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: demo}
spec: {clusterIP: 10.0.0.1, selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
`;

export const SUBSETS = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: demo}
spec:
  host: shop
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`;

/** A VirtualService on `shop` in demo with the given `http` rules (YAML flow or block, indented by four). */
export const virtualService = (
  http: string,
  over: { name?: string; namespace?: string; hosts?: string; created?: string; more?: string } = {},
): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${over.name ?? 'shop'}
  namespace: ${over.namespace ?? 'demo'}
  ${over.created ? `creationTimestamp: "${over.created}"` : ''}
spec:
  hosts: ${over.hosts ?? '[shop]'}
  ${over.more ?? ''}
  http: ${http}
`;

/** Two weighted destinations of `shop`. */
export const split = (v1: number | string, v2: number | string): string =>
  `[{route: [{destination: {host: shop, subset: v1}, weight: ${v1}}, {destination: {host: shop, subset: v2}, weight: ${v2}}]}]`;
