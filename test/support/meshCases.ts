import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { predictShare } from '../../src/mesh/predict.js';
import type { MeshRequest } from '../../src/mesh/router.js';
import type { Caller } from '../../src/mesh/types.js';
import { caller, objects, pods, SERVICE, SUBSETS, split, virtualService } from './mesh.js';

type Shares = Record<string, number>;
/** A table of what Istio makes of objects; each row is a case. */
export interface Table {
  readonly title: string;
  readonly cases: readonly Case[];
}

export interface Case {
  /** What is claimed, one sentence. */
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
  readonly protocol?: string;
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

function run(one: Case) {
  const all = [
    ...objects([one.base ?? `${SERVICE}---${SUBSETS}`, one.yaml ?? ''].join('---\n')),
    ...(one.pods ?? ONE_EACH),
  ];
  const config = compileProxyConfig(all, caller(one.from));
  const request: MeshRequest = { port: 80, host: 'shop', method: 'GET', path: '/', headers: {}, ...one.request };
  const prediction = predictShare(config, request, (labels) => labels.version);
  return { config, prediction };
}

const round = (shares: Shares): Shares =>
  Object.fromEntries(Object.entries(shares).map(([key, value]) => [key, Math.round(value * 1e6) / 1e6]));

function check(one: Case) {
  const { config, prediction } = run(one);
  expect(round(prediction.share)).toEqual(round(one.share ?? {}));
  expect(round(prediction.failed)).toEqual(round(one.failed ?? {}));
  if (one.mirrored) expect(round(prediction.mirrored)).toEqual(one.mirrored);
  if (one.protocol) expect(prediction.protocol).toBe(one.protocol);
  const codes = config.warnings.map((warning) => warning.code);
  for (const code of one.warns ?? []) expect(codes).toContain(code);
  if (one.warns?.length === 0) expect(config.warnings).toEqual([]);
  const sum = [...Object.values(prediction.share), ...Object.values(prediction.failed)].reduce((a, b) => a + b, 0);
  expect(sum).toBeCloseTo(1, 9);
}

export const table = (title: string, cases: readonly Case[]) =>
  describe(title, () => {
    it.each(cases.map((one) => [one.says, one] as const))('%s', (_says, one) => check(one));
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
