import { millis, ratio } from '../../../src/base/units.js';
import { APPS, add, both, deployment, put, route, service, split, subsets, to, without } from '../app.js';
import { gamma, versionServices } from '../gamma.js';
import type { Trial } from '../types.js';
import { BALANCED, MIRRORED, promise } from './stages.js';

const pods = (v1: number, v2: number) =>
  both(
    put(deployment('shop-v1', 'shop', 'v1', { replicas: v1 })),
    put(deployment('shop-v2', 'shop', 'v2', { replicas: v2 })),
  );

const byGamma = (v1: number, v2: number): Pick<Trial, 'change' | 'scenario' | 'stage'> => ({
  change: both(without('VirtualService/shop', 'DestinationRule/shop'), add(...versionServices(), gamma(v1, v2))),
  scenario: { mesh: 'gateway-api' },
  stage: { applies: ['HTTPRoute/shop'], expect: promise(v2 / (v1 + v2)) },
});

const slow = (ms: number) => ({ latency: { kind: 'constant', ms: millis(ms) } }) as const;
const failing = (part: number) => ({ errors: ratio(part), errorStatus: 503 });

/** Runs in which everything is as promised: no cause may be named. */
export const HEALTHY_TRIALS: readonly Trial[] = [
  { title: 'as promised' },
  { title: 'slow v2', lab: { apps: { ...APPS, 'shop-v2': slow(40) } } },
  { title: 'slow v1', lab: { apps: { ...APPS, 'shop-v1': slow(25) } } },
  { title: 'three pods of each version', change: pods(3, 3) },
  { title: 'four pods of v1, one of v2', change: pods(4, 1) },
  { title: 'three pods of the caller', change: put(deployment('web', 'web', 'v1', { replicas: 3 })) },
  {
    title: 'little traffic',
    scenario: {
      load: {
        uris: [{ method: 'GET', target: '/', headers: {}, line: 1 }],
        urisFile: 'uris.txt',
        model: { kind: 'open', ratePerSecond: 40, arrivals: 'poisson', maxInFlight: 200 },
        order: 'round-robin',
        timeout: millis(3000),
      },
    },
  },
  {
    title: 'users with pauses',
    scenario: {
      load: {
        uris: [{ method: 'GET', target: '/', headers: {}, line: 1 }],
        urisFile: 'uris.txt',
        model: { kind: 'closed', users: 20, thinkTime: { kind: 'uniform', minMs: millis(20), maxMs: millis(80) } },
        order: 'round-robin',
        timeout: millis(3000),
      },
    },
  },
  {
    title: 'retries on',
    change: put(route([{ ...split(90, 10), retries: { attempts: 3, retryOn: '5xx' } }])),
  },
  {
    title: 'retries on, and both versions fail now and then',
    lab: { apps: { ...APPS, 'shop-v1': failing(0.02), 'shop-v2': failing(0.02) } },
    change: put(route([{ ...split(90, 10), retries: { attempts: 3, retryOn: '5xx' } }])),
  },
  { title: 'a GAMMA route, 90/10', ...byGamma(90, 10) },
  { title: 'a GAMMA route, 1/1', ...byGamma(1, 1) },
  { title: 'half by balancing', change: without('VirtualService/shop'), stage: BALANCED },
  {
    title: 'half by balancing over two pods of each',
    change: both(pods(2, 2), without('VirtualService/shop')),
    stage: BALANCED,
  },
  {
    title: 'copies of everything',
    change: put(
      route([{ route: [to('v1', 100)], mirror: { host: 'shop', subset: 'v2' }, mirrorPercentage: { value: 100 } }]),
    ),
    stage: MIRRORED,
  },
  { title: 'everything to v2', change: put(route([split(0, 100)])), stage: { expect: promise(1) } },
  {
    title: 'dark: the Service pins v1',
    change: both(without('VirtualService/shop'), put(service('shop', { selector: { app: 'shop', version: 'v1' } }))),
    stage: { applies: ['Service/shop'], expect: promise(0) },
  },
  {
    title: 'outlier detection and a connection pool that nobody exceeds',
    change: put(
      subsets(
        {},
        {
          trafficPolicy: {
            outlierDetection: { consecutive5xxErrors: 5 },
            connectionPool: { tcp: { maxConnections: 500 }, http: { http1MaxPendingRequests: 500 } },
          },
        },
      ),
    ),
  },
  {
    title: 'another workload calls as well',
    lab: { apps: { ...APPS, batch: APPS.web }, faults: { ownCalls: { batch: 60 } } },
    change: add(deployment('batch', 'batch', 'v1')),
  },
  {
    title: 'a rule for testers before the weights',
    change: put(route([{ match: [{ headers: { 'x-tester': { exact: 'yes' } } }], route: [to('v2')] }, split(90, 10)])),
  },
];
