import { millis, ratio } from '../../../src/base/units.js';
import type { ClusterClient } from '../../../src/cluster/client.js';
import {
  APPS,
  add,
  both,
  deployment,
  istio,
  NAMESPACE,
  put,
  route,
  service,
  split,
  subsets,
  to,
  without,
} from '../app.js';
import { gamma, versionServices } from '../gamma.js';
import type { Entry, Trial } from '../types.js';
import { BALANCED, promise } from './stages.js';

/** Changes a rule as another controller would, under a name of its own. @throws Error when the API server refuses. */
async function rewrite({ server }: ClusterClient, plural: string, spec: object): Promise<void> {
  const url = `${server}/apis/networking.istio.io/v1/namespaces/${NAMESPACE}/${plural}/shop?fieldManager=argocd`;
  const answer = await fetch(url, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ spec }),
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
}

const unattached = (title: string, parent: object): Trial => ({
  title,
  change: both(
    without('VirtualService/shop', 'DestinationRule/shop'),
    add(...versionServices(), gamma(90, 10, parent)),
  ),
  stage: { applies: ['HTTPRoute/shop'] },
  scenario: { mesh: 'gateway-api' },
});

/** Choices that are not made for every request, or not by the routes of the stage, or not all the time. */
export const STICKY_ENTRIES: readonly Entry[] = [
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
                to('v1', 90),
                { ...to('v2', 10), headers: { response: { add: { 'set-cookie': 'version=v2' } } } },
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
        stage: BALANCED,
      },
      {
        title: 'consistentHash by header',
        change: put(subsets({}, { trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: 'host' } } } })),
        stage: BALANCED,
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
          put(istio('VirtualService', 'shop', { hosts: ['shop'], tcp: [split(90, 10)] })),
        ),
      },
    ],
  },
  {
    number: 13,
    code: 'PROXY_STALE',
    means: 'a proxy of the caller holds old routes',
    produced: 'one of three pods of web keeps the routes that it had before the stage',
    how: 'lab',
    trials: [
      {
        title: 'one of three callers is stale',
        change: put(deployment('web', 'web', 'v1', { replicas: 3 })),
        lab: { stale: { web: 1 } },
      },
      {
        title: 'one of two callers is stale',
        change: put(deployment('web', 'web', 'v1', { replicas: 2 })),
        lab: { stale: { web: 1 } },
      },
    ],
  },
  {
    number: 14,
    code: 'ROUTE_OVERWRITTEN',
    means: 'somebody else writes the route while the stage is judged',
    produced: 'another controller sets the weights to 50/50 a second after counting began',
    how: 'objects',
    trials: [
      {
        title: 'the weights are set back',
        incident: {
          when: 'window-opened',
          afterMs: 1000,
          act: (client) => rewrite(client, 'virtualservices', { http: [split(50, 50)] }),
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
      unattached('the parent has no group', { kind: 'Service', name: 'shop' }),
      unattached('the parent has another port', { group: '', kind: 'Service', name: 'shop', port: 8080 }),
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
        lab: { apps: { ...APPS, 'shop-v2-next': { startUp: millis(500) } } },
        stage: { expect: promise(0.1, { errors: { max: ratio(0.1) } }) },
        evenIfPassed: true,
        incident: {
          when: 'window-opened',
          afterMs: 400,
          act: async (client) => {
            await rewrite(client, 'destinationrules', {
              subsets: [
                { name: 'v1', labels: { version: 'v1' } },
                { name: 'v2', labels: { version: 'v2', track: 'next' } },
              ],
            });
            await client.create(
              deployment('shop-v2-next', 'shop', 'v2', { labels: { app: 'shop', version: 'v2', track: 'next' } }),
            );
          },
        },
      },
    ],
  },
];
