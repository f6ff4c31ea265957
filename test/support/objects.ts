import type { KubeObject } from '../../src/base/kubernetes.js';

/** A Deployment as the walk-through writes it. */
export function deployment(
  name: string,
  labels: Record<string, string>,
  options: { image?: string; replicas?: number } = {},
) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: labels.app ?? name } },
    spec: {
      ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'web',
              image: options.image ?? 'web:1',
              ports: [{ containerPort: 80 }],
              env: [{ name: 'A', value: '1' }],
            },
          ],
        },
      },
    },
  };
}

export function service(name: string, selector: Record<string, string>, port = 80) {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector, ports: [{ port }] } };
}

/** A VirtualService with one route over the given weights; undefined leaves a weight out. */
export function virtualService(name: string, weights: Record<string, unknown>, http: Record<string, unknown> = {}) {
  const route = Object.entries(weights).map(([subset, weight]) => ({
    destination: { host: name, subset },
    ...(weight === undefined ? {} : { weight }),
  }));
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name },
    spec: { hosts: [name], http: [{ route, ...http }] },
  };
}

export function runningPod(name: string, namespace: string, labels: Record<string, string> = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      nodeName: 'lab',
      containers: [{ name: 'web', image: 'web:1', ports: [{ name: 'http', containerPort: 80 }] }],
    },
    status: {
      phase: 'Running',
      podIP: '10.244.0.7',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'web', ready: true, restartCount: 2, state: { running: {} } }],
    },
  };
}

/** Of a kind in the group example.com whose `spec.size` is a whole number, by default 3. */
export const definition = (scope: string, plural: string, kind: string): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.example.com` },
  spec: {
    group: 'example.com',
    scope,
    names: { plural, kind },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { size: { type: 'integer', default: 3 } } } },
          },
        },
      },
    ],
  },
});
