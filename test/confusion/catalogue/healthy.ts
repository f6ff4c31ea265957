import { millis, ratio } from '../../../src/base/units.js';
import {
  add,
  appsOf,
  both,
  deployment,
  promised,
  put,
  route,
  service,
  shop,
  split,
  subsets,
  to,
  web,
  without,
} from '../app.js';
import { gamma, versionServices } from '../gamma.js';
import type { Trial } from '../types.js';
import type { World } from '../world.js';
import { balanced, MIRRORED, promise } from './stages.js';

const pods = (world: World, v1: number, v2: number) =>
  both(put(shop(world, 'v1', { replicas: v1 })), put(shop(world, 'v2', { replicas: v2 })));

const byGamma = (v1: number, v2: number): Pick<Trial, 'change' | 'scenario' | 'stage'> => ({
  change: both(without('VirtualService/shop', 'DestinationRule/shop'), add(...versionServices(), gamma(v1, v2))),
  scenario: { mesh: 'gateway-api' },
  stage: { applies: ['HTTPRoute/shop'], expect: promise(v2 / (v1 + v2)) },
});

const slow = (ms: number) => ({ latency: { kind: 'constant', ms: millis(ms) } }) as const;
const failing = (part: number) => ({ errors: ratio(part), errorStatus: 503 });

/** Runs in which everything is as promised: no cause may be named. */
export function healthyTrials(world: World): readonly Trial[] {
  const { vary, canary } = world;
  const apps = appsOf(world);
  const asPromised = promised(world);
  const uris = {
    uris: [{ method: 'GET', target: '/', headers: {}, line: 1 }],
    urisFile: 'uris.txt',
    order: 'round-robin',
    timeout: millis(3000),
  } as const;
  return [
    { title: 'as promised' },
    { title: 'slow v2', lab: { apps: { ...apps, 'shop-v2': slow(vary.whole(40, 20, 80)) } } },
    { title: 'slow v1', lab: { apps: { ...apps, 'shop-v1': slow(vary.whole(25, 15, 50)) } } },
    { title: 'three pods of each version', change: pods(world, 3, 3) },
    { title: 'four pods of v1, one of v2', change: pods(world, 4, 1) },
    { title: 'three pods of the caller', change: put(web(world, { replicas: 3 })) },
    {
      title: 'little traffic',
      scenario: {
        load: { ...uris, model: { kind: 'open', ratePerSecond: 40, arrivals: 'poisson', maxInFlight: 200 } },
      },
    },
    {
      title: 'users with pauses',
      scenario: {
        load: {
          ...uris,
          model: { kind: 'closed', users: 20, thinkTime: { kind: 'uniform', minMs: millis(20), maxMs: millis(80) } },
        },
      },
    },
    {
      title: 'retries on',
      change: put(route([{ ...asPromised, retries: { attempts: 3, retryOn: '5xx' } }])),
    },
    {
      title: 'retries on, and both versions fail now and then',
      lab: { apps: { ...apps, 'shop-v1': failing(0.02), 'shop-v2': failing(0.02) } },
      change: put(route([{ ...asPromised, retries: { attempts: 3, retryOn: '5xx' } }])),
    },
    { title: 'a GAMMA route', ...byGamma(100 - canary, canary) },
    { title: 'a GAMMA route, 1/1', ...byGamma(1, 1) },
    { title: 'by balancing', change: without('VirtualService/shop'), stage: balanced(world) },
    {
      title: 'by balancing over two pods of each',
      change: both(pods(world, 2, 2), without('VirtualService/shop')),
      stage: balanced({ pods: { ...world.pods, v1: 2, v2: 2 } }),
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
      lab: { apps: { ...apps, batch: apps.web }, faults: { ownCalls: { batch: vary.whole(60, 20, 100) } } },
      change: add(deployment('batch', 'batch', 'v1')),
    },
    {
      title: 'a rule for testers before the weights',
      change: put(route([{ match: [{ headers: { 'x-tester': { exact: 'yes' } } }], route: [to('v2')] }, asPromised])),
    },
  ];
}
