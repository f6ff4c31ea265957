import type { KubeObject } from '../../../src/base/kubernetes.js';
import { pod, SERVICE } from '../../support/mesh.js';
import { both, type Case, rule, type Table } from '../../support/meshCases.js';

const node = (region: string, zone: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: `node-${zone}`,
    labels: { 'topology.kubernetes.io/region': region, 'topology.kubernetes.io/zone': zone },
  },
});
const NODES = [node('north', 'a'), node('north', 'b'), node('south', 'c')];
const on = (zone: string, version: string, index = 0, ready = true): KubeObject => {
  const made = pod('shop', version, index, { ready });
  return { ...made, spec: { ...made.spec, nodeName: `node-${zone}` } };
};
const ONE_EACH = [...NODES, on('a', 'v1'), on('b', 'v2'), on('c', 'v2', 1)];
/** One of two pods of zone a is not ready. */
const HALF = [...NODES, on('a', 'v1'), on('a', 'v1', 1, false), on('b', 'v2'), on('c', 'v2', 1)];

const policy = (text: string) => rule('shop', 'demo', `{host: shop, ${both}, trafficPolicy: {${text}}}`);
const setting = (text: string) => `loadBalancer: {localityLbSetting: {${text}}}`;
const OUTLIERS = 'outlierDetection: {consecutive5xxErrors: 5}';
const EVERYWHERE = { v1: 1 / 3, v2: 2 / 3 };
const inZone = (locality: string, over: Partial<Case>): Case => ({
  says: '',
  base: SERVICE,
  from: { locality },
  pods: ONE_EACH,
  ...over,
});
const inA = (yaml: string, over: Partial<Case>) => inZone('north/a/', { yaml, ...over });
const mesh = (text: string) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "${text}"}
`;
const toSouth = (weight: number) =>
  setting(`distribute: [{from: north/*, to: {north/a: ${100 - weight}, south: ${weight}}}]`);

export const nearness: Table = {
  title: 'Where pods run',
  cases: [
    inA(policy('loadBalancer: {simple: RANDOM}'), {
      says: 'without outlierDetection zones do not count',
      share: EVERYWHERE,
    }),
    inA(policy(OUTLIERS), { says: 'outlierDetection keeps requests in the own zone', share: { v1: 1 } }),
    inA(policy('outlierDetection: {}'), { says: 'so does an empty outlierDetection', share: { v1: 1 } }),
    inA(policy(`${OUTLIERS}, ${setting('enabled: false')}`), {
      says: 'localityLbSetting: {enabled: false}: zones do not count',
      share: EVERYWHERE,
    }),
    inA(`${policy(OUTLIERS)}---${mesh('localityLbSetting: {enabled: false}')}`, {
      says: 'the mesh says enabled: false: zones do not count',
      share: EVERYWHERE,
    }),
    inA(policy(OUTLIERS), {
      says: 'half of the own zone is ready: it takes 70 %, the next zone the rest',
      pods: HALF,
      share: { v1: 0.7, v2: 0.3 },
    }),
    inZone('west/x/', {
      says: 'failover from a region without pods',
      yaml: policy(`${OUTLIERS}, ${setting('failover: [{from: west, to: south}]')}`),
      pods: [...NODES, on('a', 'v1'), on('c', 'v2')],
      share: { v2: 1 },
    }),
    inA(policy(`${OUTLIERS}, ${setting('failoverPriority: [topology.kubernetes.io/region]')}`), {
      says: 'failoverPriority region: every zone of the region alike',
      share: { v1: 0.5, v2: 0.5 },
    }),
    inA(policy(`${OUTLIERS}, ${setting('failoverPriority: [version=v2]')}`), {
      says: 'failoverPriority with a label and a value',
      share: { v2: 1 },
    }),
    inZone('', {
      says: 'failoverPriority with a label needs no zones',
      yaml: policy(`${OUTLIERS}, ${setting('failoverPriority: [version]')}`),
      from: { locality: '', labels: { app: 'client', version: 'v1' } },
      pods: [on('a', 'v1'), on('b', 'v2')],
      share: { v1: 1 },
    }),
    inA(policy(`${OUTLIERS}, ${setting('failoverPriority: [topology.kubernetes.io/region]')}`), {
      says: 'failoverPriority: zones of one priority weigh as much as their pods, and 140 % of the part that is ready',
      pods: HALF,
      share: { v1: (0.93 * 1.4) / 2.4, v2: 0.93 / 2.4 + 0.07 },
    }),
    inA(policy(`outlierDetection: {}, ${setting('failoverPriority: [topology.kubernetes.io/region]')}`), {
      says: 'failoverPriority with an empty outlierDetection: zones weigh alike',
      pods: HALF,
      share: { v1: (0.93 * 1.4) / 2.4, v2: 0.93 / 2.4 + 0.07 },
    }),
    inA(policy(toSouth(20)), {
      says: 'distribute: localities by weight, nothing for those that are not written',
      share: { v1: 0.8, v2: 0.2 },
    }),
    inA(policy(toSouth(20)), {
      says: 'distribute: a locality of which half is ready counts with 70 % of its weight',
      pods: HALF,
      share: { v1: 56 / 76, v2: 20 / 76 },
    }),
    inZone('west/x/', {
      says: 'distribute from elsewhere: nothing changes',
      yaml: policy(toSouth(20)),
      share: EVERYWHERE,
    }),
    inA(policy(`${OUTLIERS}, ${setting('distribute: [{from: north, to: {north: 60, south: 30}}]')}`), {
      says: 'distribute: weights that sum to 90: webhook rejects',
      share: EVERYWHERE,
      warns: ['OBJECT_REFUSED'],
    }),
    inA('', {
      says: 'Service trafficDistribution: PreferClose keeps requests in the own zone, without a DestinationRule',
      base: SERVICE.replace('spec: {', 'spec: {trafficDistribution: PreferClose, '),
      share: { v1: 1 },
    }),
    inA(policy(setting('enabled: false')), {
      says: 'localityLbSetting of the DestinationRule replaces trafficDistribution of the Service',
      base: SERVICE.replace('spec: {', 'spec: {trafficDistribution: PreferClose, '),
      share: EVERYWHERE,
    }),
  ],
};
