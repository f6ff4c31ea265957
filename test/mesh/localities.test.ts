import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { priorityLoads } from '../../src/mesh/loads.js';
import { localityOf } from '../../src/mesh/localities.js';
import { placed, placePolicy } from '../../src/mesh/nearness.js';
import { predictShare } from '../../src/mesh/predict.js';
import type { Endpoint } from '../../src/mesh/types.js';
import { deployed, NAMESPACE, SERVICE_PORT, shopService, subsets } from '../support/labShop.js';

const node = (zone: string, region = 'north'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: `node-${zone}`,
    labels: { 'topology.kubernetes.io/region': region, 'topology.kubernetes.io/zone': zone },
  },
});

const podOn = (name: string, version: string, zone: string, ip: string, ready = true): KubeObject => {
  const pod = deployed(name, `shop-${version}`, ip, { app: 'shop', version }, ready);
  return { ...pod, spec: { ...pod.spec, nodeName: `node-${zone}` } };
};

describe('where a pod runs', () => {
  const pod = (labels: Record<string, string>) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels } });
  test.each([
    ['its node says so', pod({}), node('a'), 'north/a/'],
    [
      'its own label goes before, with dots for slashes',
      pod({ 'istio-locality': 'south.b.rack1' }),
      node('a'),
      'south/b/rack1',
    ],
    ['nobody says', pod({}), undefined, undefined],
  ])('%s', (_, object, on, locality) => {
    expect(localityOf(object, on)).toBe(locality);
  });
});

describe('parts of the priorities', () => {
  test.each([
    [
      'all healthy: the nearest take everything',
      [
        [3, 3],
        [2, 2],
      ],
      [1, 0],
    ],
    [
      '72 % of the nearest suffice',
      [
        [18, 25],
        [1, 1],
      ],
      [1, 0],
    ],
    [
      'half of the nearest take 70 %',
      [
        [1, 2],
        [2, 2],
      ],
      [0.7, 0.3],
    ],
    [
      'none of the nearest: the next take everything',
      [
        [0, 2],
        [2, 2],
      ],
      [0, 1],
    ],
    [
      'too few anywhere: what is there takes all in proportion',
      [
        [1, 4],
        [1, 4],
      ],
      [0.5, 0.5],
    ],
    [
      'nobody at all',
      [
        [0, 2],
        [0, 1],
      ],
      [0, 0],
    ],
  ] as [string, [number, number][], number[]][])('%s', (_, tiers, loads) => {
    expect(priorityLoads(tiers.map(([healthy, total]) => ({ healthy, total })))).toEqual(loads);
  });
});

describe('nearness', () => {
  const endpoint = (pod: string): Endpoint => ({ pod, ip: '', targetPort: 0, ready: true, labels: {}, workload: '' });
  const place = {
    locality: 'north/a/1',
    labels: {},
    localities: new Map([
      ['same', 'north/a/1'],
      ['zone', 'north/a/2'],
      ['region', 'north/b/1'],
      ['south', 'south/a/1'],
      ['east', 'east/a/1'],
    ]),
  };
  const order = (localityLbSetting?: object) => {
    const policy = placePolicy({ loadBalancer: { localityLbSetting }, outlierDetection: {} }, {}, undefined);
    if (!policy) return undefined;
    const endpoints = [...place.localities.keys()].map(endpoint);
    return placed(endpoints, policy, place).map(({ pod, priority = 0 }) => `${pod} ${priority}`);
  };

  test('goes by region, zone and subzone', () => {
    expect(order()).toEqual(['same 0', 'zone 1', 'region 2', 'south 3', 'east 3']);
  });

  test('a failover region goes before others', () => {
    expect(order({ failover: [{ from: 'north', to: 'south' }] })?.slice(3)).toEqual(['south 3', 'east 4']);
  });

  test('by labels: the more of the first ones are alike, the nearer', () => {
    const setting = { failoverPriority: ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'] };
    expect(order(setting)).toEqual(['same 0', 'zone 0', 'region 1', 'south 2', 'east 2']);
  });
});

describe('a caller in zone a', () => {
  const caller = { workload: 'web', namespace: NAMESPACE, labels: {}, gateway: false, locality: 'north/a/' };
  const request = { port: SERVICE_PORT, host: 'shop', method: 'GET', path: '/', headers: {} };
  const objects = [
    node('a'),
    node('b'),
    shopService(),
    podOn('one', 'v1', 'a', '10.244.0.1'),
    podOn('two', 'v2', 'b', '10.244.0.2'),
    podOn('three', 'v2', 'b', '10.244.0.3'),
  ];
  const share = (more: readonly KubeObject[], where: typeof caller | Omit<typeof caller, 'locality'> = caller) =>
    predictShare(compileProxyConfig([...objects, ...more], where), request, ({ version }) => version).share;
  const rule = subsets({ outlierDetection: { consecutive5xxErrors: 5 } });

  test('sends to its own zone as soon as outlier detection is on', () => {
    expect(share([])).toEqual({ v1: 0.333333333333, v2: 0.666666666667 });
    expect(share([rule])).toEqual({ v1: 1 });
  });

  test('sends to others as far as pods of its own are not ready', () => {
    expect(share([rule, podOn('four', 'v1', 'a', '10.244.0.4', false)])).toEqual({ v1: 0.7, v2: 0.3 });
  });

  test('sends everywhere when nobody knows where it runs', () => {
    const { locality: _locality, ...unknown } = caller;
    expect(share([rule], unknown)).toEqual({ v1: 0.333333333333, v2: 0.666666666667 });
  });
});
