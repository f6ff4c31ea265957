import { add, both, istio, promised, put, route, service, split, subsets, to, web, without } from '../app.js';
import type { Entry, Trial } from '../types.js';
import type { World } from '../world.js';
import { balanced } from './stages.js';

/** Routes that are not in force, or not as promised. */
export function routeEntries(world: World): readonly Entry[] {
  const { vary, canary } = world;
  const asPromised = promised(world);
  /** Weights of v2 that are another share than the promised one. */
  const wrong = [0, 25, 50, 75, 100].filter((weight) => Math.abs(weight - canary) >= 15);
  const otherWeights = (own: number): Trial => {
    const weight = Math.abs(own - canary) >= 15 ? vary.one(own, wrong) : vary.one(50, wrong);
    return { title: `${100 - weight}/${weight}`, change: put(route([split(100 - weight, weight)])) };
  };
  return [
    {
      number: 1,
      code: 'CALLER_WITHOUT_SIDECAR',
      means: 'the caller has no sidecar, so no route applies to its calls',
      produced: 'web runs without a sidecar',
      how: 'objects',
      trials: [
        {
          title: 'web runs without a sidecar',
          change: put(web(world, { sidecar: false })),
        },
      ],
    },
    {
      number: 2,
      code: 'ROUTE_HOST_DIFFERS',
      means: 'a route exists, for another host than the one that is called',
      produced: 'the host of the VirtualService is another namespace, another Service, a domain',
      how: 'objects',
      trials: [
        {
          title: 'the host is of another namespace',
          change: put(route([asPromised], { hosts: ['shop.default.svc.cluster.local'] })),
        },
        { title: 'the host is another name', change: put(route([asPromised], { hosts: ['shops'] })) },
        { title: 'the host is a domain', change: put(route([asPromised], { hosts: ['shop.example.com'] })) },
      ],
    },
    {
      number: 3,
      code: 'ROUTE_GATEWAY_DIFFERS',
      means: 'a route exists, for another gateway than the one the calls pass',
      produced: 'the VirtualService names a gateway and not the mesh',
      how: 'objects',
      trials: [
        {
          title: 'gateways lacks mesh',
          change: both(
            add(
              istio('Gateway', 'public', {
                selector: { istio: 'ingressgateway' },
                servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
              }),
            ),
            put(route([asPromised], { gateways: ['public'] })),
          ),
        },
      ],
    },
    {
      number: 9,
      code: 'ROUTE_CAPTURED',
      means: 'another route or an earlier match takes the requests',
      produced: 'an earlier match of the same VirtualService, an older VirtualService for the same host',
      how: 'objects',
      trials: [
        {
          title: 'an earlier match takes the path',
          change: put(route([{ match: [{ uri: { prefix: '/item' } }], route: [to('v1')] }, asPromised])),
        },
        {
          title: 'an older VirtualService wins the host',
          change: add(route([{ route: [to('v1')] }], {}, 'shop-before')),
        },
        {
          title: 'an earlier match takes half of the methods',
          change: put(route([{ match: [{ method: { exact: 'GET' } }], route: [to('v2')] }, asPromised])),
        },
      ],
    },
    {
      number: 15,
      code: 'WEIGHT_NORMALISED',
      means: 'the mesh reads the weights otherwise than they look: it divides by their sum',
      produced: 'weights that do not make 100, a further destination, an omitted weight',
      how: 'objects',
      trials: [
        { title: 'weights make less than 100', change: put(route([split(vary.whole(25, 15, 24), canary)])) },
        {
          title: 'a further destination',
          change: put(route([{ route: [to('v1', vary.whole(25, 12, 20)), to('v2', canary), to('v1', 5)] }])),
        },
        { title: 'the weight of v1 is omitted', change: put(route([{ route: [to('v1'), to('v2', canary)] }])) },
      ],
    },
    {
      number: 28,
      code: 'RULE_HIDDEN',
      means: 'the rule is not visible to the caller',
      produced:
        'exportTo of the VirtualService or the DestinationRule names another namespace; a Sidecar hides the Service',
      how: 'objects',
      trials: [
        {
          title: 'the VirtualService is exported elsewhere',
          change: put(route([asPromised], { exportTo: ['istio-system'] })),
        },
        {
          title: 'the DestinationRule is exported elsewhere',
          change: put(subsets({}, { exportTo: ['istio-system'] })),
        },
        {
          title: "the caller's Sidecar does not know the Service",
          change: add(istio('Sidecar', 'default', { egress: [{ hosts: ['istio-system/*'] }] })),
        },
      ],
    },
    {
      number: 33,
      code: 'WEIGHT_DIFFERS',
      means: 'the weights in force are not those promised',
      produced: 'other weights in the VirtualService',
      how: 'objects',
      gross: true,
      trials: [otherWeights(50), otherWeights(25), otherWeights(0)],
    },
    {
      number: 34,
      code: 'ROUTE_LEFT_OVER',
      means: 'a route of another name still routes the host',
      produced: 'a stage by balancing deletes one VirtualService, another one is left',
      how: 'objects',
      gross: true,
      trials: [
        {
          title: 'a route of another name is left',
          change: both(without('VirtualService/shop'), add(route([asPromised], {}, 'shop-canary'))),
          stage: balanced(world),
        },
      ],
    },
    {
      number: 37,
      code: 'ROUTE_MISSING',
      means: 'there is no route for the host at all',
      produced: 'no VirtualService is applied',
      how: 'objects',
      gross: true,
      trials: [{ title: 'no VirtualService', change: without('VirtualService/shop') }],
    },
    {
      number: 17,
      code: 'MIRROR_NOT_SPLIT',
      means: 'copies are sent where a split is promised, or the other way round',
      produced: 'the VirtualService mirrors to v2 instead of sending it a share',
      how: 'objects',
      gross: true,
      trials: [
        {
          title: 'a mirror where a split is promised',
          change: put(
            route([
              {
                route: [to('v1', 100)],
                mirror: { host: 'shop', subset: 'v2' },
                mirrorPercentage: { value: canary },
              },
            ]),
          ),
        },
      ],
    },
    {
      number: 32,
      code: 'FAULT_LEFT_OVER',
      means: 'a fault injection is still in the route',
      produced: 'the VirtualService aborts or delays some of the calls',
      how: 'objects',
      trials: [
        {
          title: 'some calls are aborted with 503',
          change: put(
            route([
              { fault: { abort: { percentage: { value: vary.whole(20, 10, 60) }, httpStatus: 503 } }, ...asPromised },
            ]),
          ),
        },
        {
          title: 'calls are aborted with 500',
          change: put(
            route([
              { fault: { abort: { percentage: { value: vary.whole(50, 10, 60) }, httpStatus: 500 } }, ...asPromised },
            ]),
          ),
        },
      ],
    },
    {
      number: 29,
      code: 'SERVICE_BYPASSED',
      means: 'the Service is headless: the caller dials pods, past every route',
      produced: 'the Service has no cluster address',
      how: 'objects',
      trials: [{ title: 'a headless Service', change: put(service('shop', { clusterIP: 'None' })) }],
    },
  ];
}
