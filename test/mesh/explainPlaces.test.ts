import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { deployment, explain, folder } from '../support/explain.js';
import { pod, SERVICE, SUBSETS } from '../support/mesh.js';

const node = (zone: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: zone,
    labels: { 'topology.kubernetes.io/region': 'north', 'topology.kubernetes.io/zone': zone },
  },
});

/** A pod of the caller, or of a version of shop, in a zone. */
const at = (zone: string, app: string, version: string, index = 0): KubeObject => {
  const one = pod(app, version, index);
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', uid: app, controller: true };
  return {
    ...one,
    metadata: { ...one.metadata, ownerReferences: [{ ...owner, name: `${app}-5d8f` }] },
    spec: { ...one.spec, nodeName: zone },
  };
};

/** Istio prefers what is near as soon as outlier detection could take it out. */
const EJECTING = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: demo}
spec: {host: shop, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 5}}}
`;
const SHOP = [at('a', 'shop', 'v1'), at('b', 'shop', 'v2')];

const dirOf = (callers: readonly KubeObject[], rule = EJECTING) =>
  folder({
    'm/apps.yaml': [deployment('client', ''), deployment('shop-v1', 'v1'), deployment('shop-v2', 'v2')].join('---'),
    'm/mesh.yaml': [SERVICE, rule].join('---'),
    'm/pods.yaml': [node('a'), node('b'), ...SHOP, ...callers].map((each) => stringify(each)).join('---\n'),
  });
const ASK = ['-f', 'm', '--from', 'client.demo', '--to', 'shop:80'];

describe('explain follows the calls from where the pods of the caller run', () => {
  it.each<[string, KubeObject[], Record<string, number>, number]>([
    ['in the zone of v1 they stay there', [at('a', 'client', '')], { v1: 1 }, 0],
    ['in the zone of v2 they stay there', [at('b', 'client', '')], { v2: 1 }, 0],
    [
      'in two zones the shares are the mean over the pods',
      [at('a', 'client', '', 0), at('b', 'client', '', 1), at('b', 'client', '', 2), at('b', 'client', '', 3)],
      { v1: 0.25, v2: 0.75 },
      1,
    ],
    ['nobody knows where they run: no pod is nearer than another', [], { v1: 0.5, v2: 0.5 }, 0],
  ])('%s', async (_says, callers, share, warnings) => {
    const { stdout } = await explain(dirOf(callers), ...ASK, '--json');
    const told = JSON.parse(stdout);
    expect(told.share).toEqual(share);
    const apart = told.warnings.filter(({ code }: { code: string }) => code === 'CALLERS_IN_PLACES');
    expect(apart).toHaveLength(warnings);
    if (apart.length > 0) {
      expect(apart[0].message).toContain('north/b (3 pods): v2 100 %; north/a (1 pod): v1 100 %');
      expect(apart[0]).toMatchObject({ object: 'Deployment/demo/client', file: 'm/apps.yaml' });
    }
  });

  it('without outlier detection no pod is nearer than another', async () => {
    const { stdout } = await explain(dirOf([at('a', 'client', '')], SUBSETS), ...ASK, '--json');
    expect(JSON.parse(stdout).share).toEqual({ v1: 0.5, v2: 0.5 });
  });

  it('a change of the rule moves the requests of one zone', async () => {
    const dir = dirOf([at('a', 'client', '', 0), at('b', 'client', '', 1), at('b', 'client', '', 2)]);
    const other = dirOf([at('a', 'client', '', 0), at('b', 'client', '', 1), at('b', 'client', '', 2)], SUBSETS);
    const { stdout } = await explain(dir, ...ASK, '--diff', `${other}/m`, '--json');
    expect(JSON.parse(stdout).changes).toMatchObject([
      { before: { share: { v1: 0.333333333333, v2: 0.666666666667 } }, after: { share: { v1: 0.5, v2: 0.5 } } },
    ]);
  });
});
