import type { KubeObject } from '../../src/base/kubernetes.js';
import { pod } from './mesh.js';

/** Five objects a Service: itself, its DestinationRule, its VirtualService and two pods. */
export function largeMesh(services: number): KubeObject[] {
  return Array.from({ length: services }, (_, index) => serviceObjects(index)).flat();
}

const meta = (name: string) => ({
  name,
  namespace: 'demo',
  creationTimestamp: '2026-01-01T00:00:00Z',
});

function serviceObjects(index: number): KubeObject[] {
  const name = `app-${index}`;
  const istio = 'networking.istio.io/v1';
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta(name),
      spec: {
        clusterIP: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
        selector: { app: name },
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    },
    {
      apiVersion: istio,
      kind: 'DestinationRule',
      metadata: meta(name),
      spec: { host: name, subsets: ['v1', 'v2'].map((version) => ({ name: version, labels: { version } })) },
    },
    canaryOf(name, 10),
    pod(name, 'v1'),
    pod(name, 'v2'),
  ];
}

export const canaryOf = (name: string, weight: number): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: meta(name),
  spec: {
    hosts: [name],
    http: [
      {
        route: [
          { destination: { host: name, subset: 'v1' }, weight: 100 - weight },
          { destination: { host: name, subset: 'v2' }, weight },
        ],
      },
    ],
  },
});
