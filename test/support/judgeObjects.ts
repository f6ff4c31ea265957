import type { KubeObject } from '../../src/base/kubernetes.js';
import { objects, pods } from './mesh.js';

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: customermanagementapi, namespace: pitstop}
spec: {clusterIP: 10.0.0.1, selector: {app: customermanagementapi}, ports: [{name: http, port: 5100}]}
`;

const RULE = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: customermanagementapi, namespace: pitstop}
spec:
  host: customermanagementapi
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`;

export interface PitstopObjects {
  /** The `http` rules of a VirtualService, YAML flow; absent: there is none. */
  readonly http?: string;
  /** `trafficPolicy.loadBalancer` of the DestinationRule, YAML flow. */
  readonly balancer?: string;
  /** Name of the Service's port, default http. */
  readonly port?: string;
  /** Ready pods of v1 and v2, default one each. */
  readonly replicas?: readonly [v1: number, v2: number];
  readonly callers?: number;
}

/** What Pitstop's namespace holds while a stage runs, as far as the mesh reads it. */
export function pitstopLive({
  http,
  balancer,
  port,
  replicas = [1, 1],
  callers = 1,
}: PitstopObjects = {}): KubeObject[] {
  const service = port ? SERVICE.replace('name: http', `name: ${port}`) : SERVICE;
  const rule = balancer ? RULE.replace('  subsets:', `  trafficPolicy: {loadBalancer: ${balancer}}\n  subsets:`) : RULE;
  const route = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: customermanagementapi, namespace: pitstop}
spec:
  hosts: [customermanagementapi]
  http: ${http}
`;
  const webapp = Array.from(
    { length: callers },
    (_, index): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `webapp-${index}`,
        namespace: 'pitstop',
        labels: { app: 'webapp' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'webapp', uid: 'w' }],
      },
      spec: { containers: [{ name: 'webapp' }, { name: 'istio-proxy' }] },
    }),
  );
  return [
    ...objects([service, rule, ...(http ? [route] : [])].join('---')),
    ...pods('customermanagementapi', 'v1', replicas[0], { namespace: 'pitstop' }),
    ...pods('customermanagementapi', 'v2', replicas[1], { namespace: 'pitstop' }),
    ...webapp,
  ];
}

const to = (subset: string, weight: number): string =>
  `{destination: {host: customermanagementapi, subset: ${subset}}, weight: ${weight}}`;

/** `http` rules with these weights. */
export const weights = (v1: number, v2: number): string => `[{route: [${to('v1', v1)}, ${to('v2', v2)}]}]`;
