import { ratio } from '../../../src/base/units.js';
import { appsOf, istio, put, service, shop, subsets } from '../app.js';
import type { Entry } from '../types.js';
import type { World } from '../world.js';

/** Destinations that are not there, or not what their names say. */
export function endpointEntries(world: World): readonly Entry[] {
  const { vary } = world;
  const apps = appsOf(world);
  const failing = (own: number, low: number, high: number) => ({
    apps: { ...apps, 'shop-v2': { errors: ratio(vary.part(own, low, high)) } },
  });
  return [
    {
      number: 4,
      code: 'PORT_NOT_HTTP',
      means: 'the port is no HTTP port to the mesh, so that connections are balanced, not requests',
      produced: 'the name of the port says tcp',
      how: 'objects',
      trials: [
        { title: 'the port is named tcp', change: put(service('shop', {}, { name: 'tcp-shop' })) },
        { title: 'appProtocol is tcp', change: put(service('shop', {}, { appProtocol: 'tcp' })) },
      ],
    },
    {
      number: 5,
      code: 'SUBSET_MISSING',
      means: 'a route names a subset that no DestinationRule defines',
      produced: 'the DestinationRule lacks v2',
      how: 'objects',
      gross: true,
      trials: [
        {
          title: 'the DestinationRule lacks v2',
          change: put(
            istio('DestinationRule', 'shop', {
              host: 'shop',
              subsets: [{ name: 'v1', labels: { version: 'v1' } }],
            }),
          ),
        },
      ],
    },
    {
      number: 6,
      code: 'SUBSET_WITHOUT_ENDPOINTS',
      means: 'a subset is defined and selects no pod',
      produced: 'a label of subset v2 that no pod carries',
      how: 'objects',
      gross: true,
      trials: [{ title: 'subset v2 selects v2.0', change: put(subsets({ labels: { version: 'v2.0' } })) }],
    },
    {
      number: 7,
      code: 'SUBSETS_OVERLAP',
      means: 'two subsets select the same pods',
      produced: 'subset v2 selects every pod of the Service',
      how: 'objects',
      trials: [
        { title: 'subset v2 selects all', change: put(subsets({ labels: { app: 'shop' } })) },
        { title: 'subset v2 selects v1', change: put(subsets({ labels: { version: 'v1' } })) },
      ],
    },
    {
      number: 8,
      code: 'VERSION_NOT_READY',
      means: 'no pod of the version is ready',
      produced: 'v2 is scaled to 0',
      how: 'objects',
      gross: true,
      trials: [{ title: 'v2 is scaled to 0', change: put(shop(world, 'v2', { replicas: 0 })) }],
    },
    {
      number: 35,
      code: 'SELECTOR_PINS_VERSION',
      means: 'the selector of the Service still carries a version',
      produced: 'the Service selects version v1',
      how: 'objects',
      gross: true,
      trials: [
        { title: 'the Service selects v1', change: put(service('shop', { selector: { app: 'shop', version: 'v1' } })) },
      ],
    },
    {
      number: 36,
      code: 'VERSION_FAILS',
      means: 'the version itself answers 5xx',
      produced: 'v2 fails for half of its requests',
      how: 'lab',
      gross: true,
      trials: [
        { title: 'v2 fails often', lab: failing(0.5, 0.4, 0.9) },
        {
          title: 'v2 fails always',
          lab: failing(1, 1, 1),
        },
      ],
    },
  ];
}
