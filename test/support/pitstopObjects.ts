import type { KubeObject } from '../../src/base/kubernetes.js';
import type { ManifestObject } from '../../src/scenario/types.js';

const namespace = 'pitstop';

export function virtualService(
  name: string,
  http: readonly unknown[],
  changes: Record<string, unknown> = {},
  created = '2026-01-01T00:00:00Z',
): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace, creationTimestamp: created },
    spec: { hosts: ['customermanagementapi'], http, ...changes },
  };
}

export const to = (subset: string, weight?: number): unknown => ({
  destination: { host: 'customermanagementapi', subset },
  ...(weight === undefined ? {} : { weight }),
});

export const split = (v1: number, v2: number): readonly unknown[] => [{ route: [to('v1', v1), to('v2', v2)] }];

export const mirrored = (percent?: number): readonly unknown[] => [
  {
    match: [{ method: { exact: 'GET' } }],
    route: [to('v1')],
    mirror: { host: 'customermanagementapi', subset: 'v2' },
    ...(percent === undefined ? {} : { mirrorPercentage: { value: percent } }),
  },
  { route: [to('v1')] },
];

export function destinationRule(subsets: Record<string, Record<string, string>>): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'customermanagementapi', namespace },
    spec: {
      host: 'customermanagementapi',
      subsets: Object.entries(subsets).map(([name, labels]) => ({ name, labels })),
    },
  };
}

export const bothSubsets = destinationRule({ v1: { version: 'v1' }, v2: { version: 'v2' } });

export const service = (selector: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'customermanagementapi', namespace },
  spec: { selector: { app: 'customermanagementapi', ...selector }, ports: [{ name: 'http', port: 5100 }] },
});

export interface WorkloadOptions {
  readonly replicas?: number;
  readonly ready?: boolean;
  readonly sidecar?: boolean;
  readonly annotation?: string;
}

/** The same for the same pod. */
function addressOf(pod: string): string {
  const sum = [...pod].reduce((total, letter) => (total * 31 + letter.charCodeAt(0)) % 65_536, 7);
  return `10.0.${sum >> 8}.${sum & 255}`;
}

/** A Deployment and its pods. */
function workload(name: string, app: string, version: string, options: WorkloadOptions = {}): KubeObject[] {
  const { replicas = 1, ready = true, sidecar = true, annotation = 'true' } = options;
  const labels = { app, version };
  const deployment: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations: { 'sidecar.istio.io/inject': annotation } } },
    },
    status: { readyReplicas: ready ? replicas : 0 },
  };
  const pods = Array.from(
    { length: replicas },
    (_, index): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${name}-${index}`,
        namespace,
        labels,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${name}-5d8f`, uid: `${name}-5d8f`, controller: true },
        ],
      },
      spec: { containers: [{ name }, ...(sidecar ? [{ name: 'istio-proxy' }] : [])] },
      status: {
        phase: 'Running',
        podIP: addressOf(`${name}-${index}`),
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      },
    }),
  );
  return [deployment, ...pods];
}

export const v1 = workload('customermanagementapi-v1', 'customermanagementapi', 'v1');
export const v2 = (options: WorkloadOptions = {}) =>
  workload('customermanagementapi-v2', 'customermanagementapi', 'v2', options);
export const webapp = (options: WorkloadOptions = {}) => workload('webapp', 'webapp', 'v1', options);

/** The object as a manifest of file `file` that writes these fields at these lines. */
export const manifest = (object: KubeObject, file: string, lines: Record<string, number> = {}): ManifestObject => ({
  object,
  file,
  line: 1,
  lines,
});
