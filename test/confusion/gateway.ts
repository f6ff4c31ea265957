import { add, both, deployment, istio, NAMESPACE, promised, put, route, service, split } from './app.js';
import type { Trial } from './types.js';
import type { World } from './world.js';

/** Where users come in instead of at `web`. */
export const INGRESS = { namespace: NAMESPACE, service: 'ingress', port: 80 };

/** The route of the stage at the gateway `ingress`, which takes the calls from outside. */
const routeAtGateway = (rule: object) => route([rule], { hosts: ['*'], gateways: ['ingress'] });

/** The same before the release. */
export const ROUTE_BEFORE = routeAtGateway(split(100, 0));

const gatewayPods = (replicas: number) => {
  const made = deployment('ingress', 'ingress', 'v1', { replicas });
  const template = made.spec?.template as { metadata: { annotations: object; labels: object } };
  return {
    ...made,
    spec: {
      ...made.spec,
      template: {
        metadata: {
          ...template.metadata,
          annotations: { ...template.metadata.annotations, 'inject.istio.io/templates': 'gateway' },
        },
        spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] },
      },
    },
  };
};

/** Users reach the shop through a gateway of its namespace, not through `web`. */
export const atGateway = (world: World, replicas: number): NonNullable<Trial['change']> =>
  both(
    add(
      gatewayPods(replicas),
      service('ingress', { type: 'LoadBalancer' }),
      istio('Gateway', 'ingress', {
        selector: { app: 'ingress' },
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      }),
    ),
    put(routeAtGateway(promised(world))),
  );
