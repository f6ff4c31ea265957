import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { type Choice, choiceOf } from '../../src/mesh/choice.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { predictShare } from '../../src/mesh/predict.js';
import { receiversOf } from '../../src/mesh/receivers.js';
import type { MeshRequest } from '../../src/mesh/router.js';
import type { Caller } from '../../src/mesh/types.js';
import type { OracleCase } from './istioOracle.js';
import { caller, objects, pods, SERVICE, SUBSETS, split, virtualService } from './mesh.js';
import { policyOf, type RoutePolicy } from './routePolicy.js';

type Shares = Record<string, number>;
/** A table of what Istio makes of objects; each row is a case. */
export interface Table {
  readonly title: string;
  readonly cases: readonly Case[];
}

export interface Case {
  /** The row: the case and what comes of it. */
  readonly says: string;
  /** Replaces the default Service and DestinationRule. */
  readonly base?: string;
  /** Added to them. */
  readonly yaml?: string;
  readonly pods?: readonly KubeObject[];
  readonly from?: Partial<Caller>;
  readonly request?: Partial<MeshRequest>;
  readonly share?: Shares;
  readonly failed?: Shares;
  readonly mirrored?: Shares;
  /** Of the share what the destinations' proxies let in. */
  readonly received?: Shares;
  readonly protocol?: string;
  readonly policy?: Partial<RoutePolicy>;
  /** What one draw decides for, see `choiceOf`. */
  readonly unit?: Choice['unit'];
  /** Why Istio's compiler cannot be asked about it. */
  readonly unasked?: string;
  /** Codes that must be among the warnings. */
  readonly warns?: readonly string[];
}

const ONE_EACH = [...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1)];
export const EVEN = { v1: 0.5, v2: 0.5 };
export const NINETY_TEN = { v1: 0.9, v2: 0.1 };
export const OLD = '2026-01-01T00:00:00Z';
export const NEW = '2026-02-01T00:00:00Z';
export const OPS = { namespace: 'ops', labels: { app: 'client' } };
export const to = (subset: string, host = 'shop') => `route: [{destination: {host: ${host}, subset: ${subset}}}]`;
export const service = (port: string, more = '') => `
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: demo${more}}
spec: {clusterIP: 10.0.0.1, selector: {app: shop}, ports: [${port}]}
`;

/** The case as a cluster, a client in it, and what it sends. */
export const clusterOf = (one: Case): OracleCase => ({
  objects: [
    ...objects([one.base ?? `${SERVICE}---${SUBSETS}`, one.yaml ?? ''].join('---\n')),
    ...(one.pods ?? ONE_EACH),
  ],
  caller: caller(one.from),
  requests: [{ port: 80, host: 'shop', method: 'GET', path: '/', headers: {}, ...one.request }],
});

const round = (shares: Shares): Shares =>
  Object.fromEntries(Object.entries(shares).map(([key, value]) => [key, Math.round(value * 1e6) / 1e6]));

/** Each row is a test: `mesh/` makes of the case what it says. */
export const table = ({ title, cases }: Table) =>
  describe(title, () => {
    for (const one of cases) it(one.says, () => check(one));
  });

function check(one: Case): void {
  const { objects: all, caller: from, requests } = clusterOf(one);
  const [request] = requests as [MeshRequest];
  const config = compileProxyConfig(all, from);
  const prediction = predictShare(config, request, versionOf);
  expect(round(prediction.share)).toEqual(round(one.share ?? {}));
  expect(round(prediction.failed)).toEqual(round(one.failed ?? {}));
  if (one.mirrored) expect(round(prediction.mirrored)).toEqual(one.mirrored);
  if (one.received) {
    const received = predictShare(config, request, versionOf, receiversOf(all, from)).share;
    expect(round(received)).toEqual(round(one.received));
  }
  if (one.protocol) expect(prediction.protocol).toBe(one.protocol);
  if (one.policy) expect(policyOf(config, request)).toMatchObject(one.policy);
  if (one.unit) expect(unitOf(one)).toBe(one.unit);
  const codes = config.warnings.map((warning) => warning.code);
  for (const code of one.warns ?? []) expect(codes).toContain(code);
  if (one.warns?.length === 0) expect(config.warnings).toEqual([]);
  const sum = [...Object.values(prediction.share), ...Object.values(prediction.failed)].reduce((a, b) => a + b, 0);
  expect(sum).toBeCloseTo(1, 9);
}

const versionOf = (labels: Readonly<Record<string, string>>) => labels.version;

function unitOf(one: Case): Choice['unit'] {
  const { objects: all, caller: from } = clusterOf(one);
  const own: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${from.workload}-0`,
      namespace: from.namespace,
      labels: { ...from.labels },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: from.workload, uid: 'u' }],
    },
    spec: { containers: [{ name: from.workload }, { name: 'istio-proxy' }] },
  };
  const service = { name: 'shop', namespace: 'demo' };
  return choiceOf([...all, own], { from, service, versionOf }).unit;
}

/** A VirtualService of another namespace that sends the Service's calls to v2. */
export const exported = (namespace: string, exportTo: string, more: Parameters<typeof virtualService>[1] = {}) =>
  virtualService(`[{route: [{destination: {host: shop.demo.svc.cluster.local, subset: v2}}]}]`, {
    name: 'mine',
    namespace,
    hosts: '[shop.demo.svc.cluster.local]',
    more: `exportTo: ${exportTo}`,
    ...more,
  });
export const vs90 = virtualService(split(90, 10));

/** A DestinationRule with any spec. */
export const rule = (name: string, namespace: string, spec: string, created = OLD) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: ${namespace}, creationTimestamp: "${created}"}
spec: ${spec}
`;

export const both = 'subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]';
