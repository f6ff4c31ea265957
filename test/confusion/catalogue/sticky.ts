import { millis, ratio } from '../../../src/base/units.js';
import type { ClusterClient } from '../../../src/cluster/client.js';
import {
  add,
  appsOf,
  both,
  deployment,
  istio,
  NAMESPACE,
  promised,
  put,
  route,
  service,
  split,
  subsets,
  to,
  web,
  without,
} from '../app.js';
import { gamma, versionServices } from '../gamma.js';
import { atGateway, INGRESS, ROUTE_BEFORE } from '../gateway.js';
import type { Entry, Trial } from '../types.js';
import type { Rename, World } from '../world.js';
import { balanced, promise } from './stages.js';

/** So many connections that each pod of the caller has its part of them: of few, the stale one may get hardly any. */
const manyUsers: NonNullable<Trial['scenario']> = {
  load: {
    uris: [{ method: 'GET', target: '/', headers: {}, line: 1 }],
    urisFile: 'uris.txt',
    model: { kind: 'closed', users: 40, thinkTime: { kind: 'uniform', minMs: millis(50), maxMs: millis(150) } },
    order: 'round-robin',
    timeout: millis(3000),
  },
};

/** Changes a rule as another controller would, under a name of its own. @throws Error when the API server refuses. */
async function rewrite({ server }: ClusterClient, rename: Rename, plural: string, spec: object): Promise<void> {
  const place = rename(`namespaces/${NAMESPACE}/${plural}/shop`);
  const url = `${server}/apis/networking.istio.io/v1/${place}?fieldManager=argocd`;
  const answer = await fetch(url, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ spec: rename(spec) }),
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
}

const unattached = ({ canary }: World, title: string, parent: object): Trial => ({
  title,
  change: both(
    without('VirtualService/shop', 'DestinationRule/shop'),
    add(...versionServices(), gamma(100 - canary, canary, parent)),
  ),
  stage: { applies: ['HTTPRoute/shop'] },
  scenario: { mesh: 'gateway-api' },
});

/** Choices that are not made for every request, or not by the routes of the stage, or not all the time. */
export function stickyEntries(world: World): readonly Entry[] {
  const { vary, canary } = world;
  const asPromised = promised(world);
  const overwritten = vary.one(50, [0, 75, 100]);
  return [
    {
      number: 10,
      code: 'COOKIE_KEEPS_VERSION',
      means: 'a rule on a cookie comes before the weights, and the client keeps cookies',
      produced: 'answers of v2 set a cookie that leads to v2; the HTTP client of web has a cookie jar',
      how: 'lab',
      trials: [
        {
          title: 'a cookie leads to v2',
          lab: { faults: { cookieJars: ['web'] } },
          change: put(
            route([
              { match: [{ headers: { cookie: { regex: '.*version=v2.*' } } }], route: [to('v2')] },
              {
                route: [
                  to('v1', 100 - canary),
                  { ...to('v2', canary), headers: { response: { add: { 'set-cookie': 'version=v2' } } } },
                ],
              },
            ]),
          ),
        },
      ],
    },
    {
      number: 11,
      code: 'HASH_KEEPS_POD',
      means: 'a hash or a session affinity keeps the requests of a client at one pod',
      produced:
        'consistentHash by the source address, or by a header that no request differs in, in a stage by balancing',
      how: 'objects',
      trials: [
        {
          title: 'consistentHash by source address',
          change: put(subsets({}, { trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true } } } })),
          stage: balanced(world),
        },
        {
          title: 'consistentHash by header',
          change: put(subsets({}, { trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: 'host' } } } })),
          stage: balanced(world),
        },
      ],
    },
    {
      number: 12,
      code: 'ROUTE_BY_CONNECTION',
      means: 'the route is drawn once for a connection',
      produced: 'a weighted tcp route on a port that is named tcp',
      how: 'objects',
      trials: [
        {
          title: 'a weighted tcp route',
          change: both(
            put(service('shop', {}, { name: 'tcp-shop' })),
            put(istio('VirtualService', 'shop', { hosts: ['shop'], tcp: [asPromised] })),
          ),
        },
      ],
    },
    {
      number: 13,
      code: 'PROXY_STALE',
      means: 'a proxy of the caller holds old routes',
      produced:
        'one of several pods of web, or of a gateway, keeps the routes that it had before the stage; users who meet the stale gateway alone',
      how: 'lab',
      trials: [
        {
          title: 'one of three callers is stale',
          change: put(web(world, { replicas: vary.whole(3, 3, 4) })),
          lab: { stale: { web: 1 } },
          scenario: manyUsers,
        },
        {
          title: 'one of two callers is stale',
          change: put(web(world, { replicas: 2 })),
          lab: { stale: { web: 1 } },
          scenario: manyUsers,
        },
        {
          title: 'one of two gateways is stale',
          before: [ROUTE_BEFORE],
          change: atGateway(world, 2),
          lab: { stale: { ingress: 1 }, entry: INGRESS },
          scenario: { from: 'ingress' },
        },
        {
          title: 'every call passes the stale gateway',
          before: [ROUTE_BEFORE],
          change: atGateway(world, 1),
          lab: { stale: { ingress: 1 }, entry: INGRESS },
          scenario: { from: 'ingress' },
        },
      ],
    },
    {
      number: 14,
      code: 'ROUTE_OVERWRITTEN',
      means: 'somebody else writes the route while the stage is judged',
      produced: 'another controller sets other weights a second after counting began',
      how: 'objects',
      trials: [
        {
          title: 'the weights are set back',
          incident: {
            when: 'window-opened',
            afterMs: vary.whole(1000, 500, 2000),
            act: (client, rename) =>
              rewrite(client, rename, 'virtualservices', { http: [split(100 - overwritten, overwritten)] }),
          },
        },
      ],
    },
    {
      number: 27,
      code: 'ROUTE_NOT_ATTACHED',
      means: 'a route of the Gateway API is attached to nothing',
      produced: 'the parent of the HTTPRoute lacks its group, has another port or namespace',
      how: 'objects',
      trials: [
        unattached(world, 'the parent has no group', { kind: 'Service', name: 'shop' }),
        unattached(world, 'the parent has another port', { group: '', kind: 'Service', name: 'shop', port: 8080 }),
      ],
    },
    {
      number: 30,
      code: 'ROLLOUT_RACE',
      means: 'a subset is switched before its endpoints are there',
      produced:
        'the DestinationRule selects new pods of v2 that become ready a second later. The stage may pass all the same: asked is what explains the lost calls',
      how: 'recorded',
      trials: [
        {
          title: 'the subset is switched too early',
          lab: { apps: { ...appsOf(world), 'shop-v2-next': { startUp: millis(vary.whole(500, 400, 1000)) } } },
          stage: { expect: promise(canary / 100, { errors: { max: ratio(canary / 100) } }) },
          evenIfPassed: true,
          incident: {
            when: 'window-opened',
            afterMs: 400,
            act: async (client, rename) => {
              await rewrite(client, rename, 'destinationrules', {
                subsets: [
                  { name: 'v1', labels: { version: 'v1' } },
                  { name: 'v2', labels: { version: 'v2', track: 'next' } },
                ],
              });
              const labels = { app: 'shop', version: 'v2', track: 'next' };
              await client.create(rename(deployment('shop-v2-next', 'shop', 'v2', { labels })));
            },
          },
        },
      ],
    },
  ];
}
