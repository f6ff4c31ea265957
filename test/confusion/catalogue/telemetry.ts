import { millis, ratio } from '../../../src/base/units.js';
import {
  add,
  appsOf,
  both,
  deployment,
  image,
  istio,
  NAMESPACE,
  promised,
  put,
  route,
  shop,
  subsets,
  to,
  web,
  without,
  zones,
} from '../app.js';
import type { Entry } from '../types.js';
import type { World } from '../world.js';
import { ACCOUNTED, balanced, MIRRORED, promise } from './stages.js';

const mirrored = (value: number) =>
  route([{ route: [to('v1', 100)], mirror: { host: 'shop', subset: 'v2' }, mirrorPercentage: { value } }]);

const EJECTING = { outlierDetection: { consecutive5xxErrors: 2, maxEjectionPercent: 100 } };

/** Callers and v1 in one zone, v2 in the other. */
const inTwoZones = (world: World) =>
  both(
    zones,
    put(web(world, { zone: 'a' })),
    put(shop(world, 'v1', { zone: 'a' })),
    put(shop(world, 'v2', { zone: 'b' })),
  );

/** Counts that are not what they look like, and destinations that do not take what they are sent. */
export function telemetryEntries(world: World): readonly Entry[] {
  const { vary, pods } = world;
  const apps = appsOf(world);
  const asPromised = promised(world);
  const inZones = inTwoZones(world);
  const copies = vary.whole(50, 30, 90);
  const slow = {
    apps: { ...apps, 'shop-v2': { latency: { kind: 'constant', ms: millis(vary.whole(100, 100, 250)) } } },
  } as const;
  return [
    {
      number: 16,
      code: 'RETRIES_INFLATE',
      means: 'repeated attempts make a version look larger where they arrive',
      produced:
        'v2 fails for half of its requests, the route repeats them. The stage passes, and that is right: asked is what explains the counts at the proxies of shop',
      how: 'recorded',
      trials: [
        {
          title: 'half of the attempts fail',
          lab: { apps: { ...apps, 'shop-v2': { errors: ratio(vary.part(0.5, 0.4, 0.6)), errorStatus: 503 } } },
          change: put(route([{ ...asPromised, retries: { attempts: 4, retryOn: '5xx' } }])),
          stage: {
            expect: promise(world.canary / 100, { errors: { max: ratio(0.05) } }),
            precision: { margin: ratio(Math.min(0.03, world.margin)), errorRate: ratio(0.001), absence: ratio(0.02) },
          },
          evenIfPassed: true,
        },
      ],
    },
    {
      number: 18,
      code: 'MIRROR_LOST',
      means: 'copies do not arrive',
      produced: 'the connection pool of subset v2 takes one request at a time, and v2 is slow',
      how: 'lab',
      trials: [
        {
          title: 'copies exceed the connection pool',
          lab: slow,
          change: both(
            put(
              subsets({
                trafficPolicy: {
                  connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } },
                },
              }),
            ),
            put(mirrored(100)),
          ),
          stage: MIRRORED,
        },
      ],
    },
    {
      number: 19,
      code: 'VERSION_WITHOUT_SIDECAR',
      means: 'the pods of a version have no sidecar, so that nobody counts there',
      produced: 'v2 runs without a sidecar; the share is asked of the proxies of shop too',
      how: 'objects',
      trials: [
        {
          title: 'v2 runs without a sidecar',
          change: put(shop(world, 'v2', { sidecar: false })),
          scenario: ACCOUNTED,
        },
      ],
    },
    {
      number: 20,
      code: 'VERSION_LABEL_MISSING',
      means: 'the pods of a version do not carry its label',
      produced: 'pods of the new version without label, or with that of the old one',
      how: 'objects',
      trials: [
        {
          title: 'no version label',
          change: both(
            without('Deployment/shop-v1', 'Deployment/shop-v2'),
            add(
              deployment('shop-stable', 'shop', 'v1', { replicas: pods.v1 }),
              deployment('shop-canary', 'shop', 'v2', { labels: { app: 'shop', track: 'canary' } }),
            ),
            put(
              istio('DestinationRule', 'shop', {
                host: 'shop',
                subsets: [
                  { name: 'v1', labels: { version: 'v1' } },
                  { name: 'v2', labels: { track: 'canary' } },
                ],
              }),
            ),
          ),
        },
        {
          title: 'the label of the old version',
          change: both(
            without('Deployment/shop-v1', 'Deployment/shop-v2'),
            add(
              deployment('shop-stable', 'shop', 'v1', { labels: { app: 'shop', version: 'v1', track: 'stable' } }),
              deployment('shop-canary', 'shop', 'v2', { labels: { app: 'shop', version: 'v1', track: 'canary' } }),
            ),
            put(
              istio('DestinationRule', 'shop', {
                host: 'shop',
                subsets: [
                  { name: 'v1', labels: { track: 'stable' } },
                  { name: 'v2', labels: { track: 'canary' } },
                ],
              }),
            ),
          ),
        },
      ],
    },
    {
      number: 21,
      code: 'METRIC_LABELS_STALE',
      means: 'series carry labels that their pods no longer have',
      produced: 'the scraped series of v2 are labelled v1, as before its pods were relabelled',
      how: 'lab',
      trials: [
        {
          title: 'series of v2 say v1',
          lab: {
            faults: {
              metricRelabelling: ['destination_version', 'destination_canonical_revision'].map((targetLabel) => ({
                action: 'replace',
                sourceLabels: ['destination_workload'],
                regex: 'shop-v2',
                targetLabel,
                replacement: 'v1',
              })),
            },
          },
        },
      ],
    },
    {
      number: 22,
      code: 'SCRAPED_TWICE',
      means: 'the same series are scraped by two jobs, and every sum counts them twice',
      produced: 'a second scrape job reads the pods of shop; the stage promises copies of some of the calls',
      how: 'lab',
      trials: [
        {
          title: 'a second job reads the pods of shop',
          lab: { faults: { scrapeJobs: [{ name: 'shop-pods', workloads: ['shop-v1', 'shop-v2'] }] } },
          change: put(mirrored(copies)),
          stage: { expect: promise(0, { mirror: { v2: ratio(copies / 100) } }) },
        },
      ],
    },
    {
      number: 23,
      code: 'TELEMETRY_DROPPED',
      means: 'proxies that are there are not counted',
      produced:
        'a Telemetry object drops the request counter of v2 (the lab drops it while scraping); the share is asked of the proxies of shop too',
      how: 'lab',
      trials: [
        {
          title: 'the request counter of v2 is dropped',
          lab: {
            faults: {
              metricRelabelling: [
                {
                  action: 'drop',
                  sourceLabels: ['__name__', 'reporter', 'destination_workload'],
                  regex: 'istio_requests_total;destination;shop-v2',
                },
              ],
            },
          },
          change: add({
            apiVersion: 'telemetry.istio.io/v1',
            kind: 'Telemetry',
            metadata: { name: 'quiet', namespace: NAMESPACE },
            spec: {
              selector: { matchLabels: { app: 'shop', version: 'v2' } },
              metrics: [{ overrides: [{ match: { metric: 'REQUEST_COUNT', mode: 'SERVER' }, disabled: true }] }],
            },
          }),
          scenario: ACCOUNTED,
        },
      ],
    },
    {
      number: 24,
      code: 'FOREIGN_TRAFFIC',
      means: 'requests of others are counted, or only those',
      produced: 'a scenario names an idle caller while another workload sends the calls',
      how: 'lab',
      trials: [
        {
          title: 'the named caller sends nothing',
          lab: { apps: { ...apps, batch: { ...apps.web, calls: [] } } },
          change: add(deployment('batch', 'batch', 'v1')),
          scenario: { from: 'batch' },
        },
        {
          title: 'others call beside an idle caller',
          lab: {
            apps: { ...apps, web: { ...apps.web, calls: [] }, batch: apps.web },
            faults: { ownCalls: { batch: vary.whole(100, 60, 150) } },
          },
          change: add(deployment('batch', 'batch', 'v1')),
        },
      ],
    },
    {
      number: 25,
      code: 'ENDPOINTS_EJECTED',
      means: 'outlier detection has taken pods out',
      produced:
        'v2 fails often and is ejected; the zone of v2 fails; outlier detection keeps callers at the pods of their own zone',
      how: 'lab',
      trials: [
        {
          title: 'failing pods are ejected',
          lab: { apps: { ...apps, 'shop-v2': { errors: ratio(vary.part(0.6, 0.6, 0.95)) } } },
          change: put(subsets({}, { trafficPolicy: EJECTING })),
        },
        {
          title: 'the zone of v2 fails',
          lab: { faults: { zoneOutage: 'b' } },
          change: both(inZones, put(subsets({}, { trafficPolicy: EJECTING }))),
        },
        {
          title: 'the callers are near to v1 alone',
          change: both(inZones, put(subsets({}, { trafficPolicy: EJECTING }))),
          stage: balanced(world),
        },
        {
          title: 'a zone fails whose pods are balanced over',
          lab: { faults: { zoneOutage: 'b' } },
          change: both(
            inZones,
            put(
              subsets({}, { trafficPolicy: { ...EJECTING, loadBalancer: { localityLbSetting: { enabled: false } } } }),
            ),
          ),
          stage: balanced(world),
        },
      ],
    },
    {
      number: 26,
      code: 'CIRCUIT_BREAKER_OPEN',
      means: 'calls exceed the connection pool of a version',
      produced: 'the connection pool of subset v2 takes one request at a time, and v2 is slow',
      how: 'lab',
      trials: [
        {
          title: 'v2 is slow behind a small pool',
          lab: slow,
          change: put(
            subsets({
              trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } } },
            }),
          ),
        },
      ],
    },
    {
      number: 31,
      code: 'ANSWER_NOT_FROM_VERSION',
      means: 'the answers are not those of the version that is called',
      produced: 'the pods of v2 run the image of v1',
      how: 'objects',
      trials: [
        {
          title: 'v2 runs the image of v1',
          change: put(shop(world, 'v2', { image: image('shop', 'v1') })),
        },
      ],
    },
  ];
}
