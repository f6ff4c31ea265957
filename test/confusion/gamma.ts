import type { KubeObject } from '../../src/base/kubernetes.js';
import { NAMESPACE, service } from './app.js';

/** One Service for each version, which the backends of an HTTPRoute are. */
export const versionServices = (): readonly KubeObject[] =>
  ['v1', 'v2'].map((version) => service(`shop-${version}`, { selector: { app: 'shop', version } }));

/** A split by the Gateway API for meshes: an HTTPRoute whose parent is the Service. */
export const gamma = (
  v1: number,
  v2: number,
  parent: object = { group: '', kind: 'Service', name: 'shop' },
): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'shop', namespace: NAMESPACE },
  spec: {
    parentRefs: [parent],
    rules: [
      {
        backendRefs: [
          { name: 'shop-v1', port: 80, weight: v1 },
          { name: 'shop-v2', port: 80, weight: v2 },
        ],
      },
    ],
  },
});
