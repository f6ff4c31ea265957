import { type KubeObject, objectRef } from '../../src/base/kubernetes.js';
import { millis, ratio } from '../../src/base/units.js';
import type { ManifestObject, Scenario, Stage } from '../../src/scenario/types.js';
import type { StageParts, Trial } from './types.js';
import { HOME, renaming, type World } from './world.js';

export const NAMESPACE = 'market';
/** Versions are told apart at the client by the image that answered. */
export const image = (app: string, version: string): string => `${app}:${version}.0`;

interface Workload {
  readonly replicas?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly image?: string;
  readonly sidecar?: boolean;
  /** Its pods run on nodes of this zone; default: anywhere. */
  readonly zone?: string;
}

const ZONE = 'topology.kubernetes.io/zone';
const node = (zone: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: `node-${zone}`, labels: { 'topology.kubernetes.io/region': 'north', [ZONE]: zone } },
});

export function deployment(name: string, app: string, version: string, workload: Workload = {}): KubeObject {
  const labels = workload.labels ?? { app, version };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      replicas: workload.replicas ?? 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { 'sidecar.istio.io/inject': String(workload.sidecar ?? true) } },
        spec: {
          ...(workload.zone === undefined ? {} : { nodeSelector: { [ZONE]: workload.zone } }),
          containers: [{ name: app, image: workload.image ?? image(app, version), ports: [{ containerPort: 8080 }] }],
        },
      },
    },
  };
}

export function service(name: string, spec: object = {}, port: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080, ...port }], ...spec },
  };
}

export const istio = (kind: string, name: string, spec: object, namespace = NAMESPACE): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec: spec as Record<string, unknown>,
});

export const to = (subset: string, weight?: number): object => ({
  destination: { host: 'shop', subset },
  ...(weight === undefined ? {} : { weight }),
});

/** The split of the stage: a route over the subsets of `shop`. */
export const route = (http: readonly object[], spec: object = {}, name = 'shop'): KubeObject =>
  istio('VirtualService', name, { hosts: ['shop'], http, ...spec });

export const split = (v1: number, v2: number): object => ({ route: [to('v1', v1), to('v2', v2)] });

/** The weights that the stage promises. */
export const promised = ({ canary }: World): object => split(100 - canary, canary);

export const subsets = (v2: object = {}, spec: object = {}): KubeObject =>
  istio('DestinationRule', 'shop', {
    host: 'shop',
    subsets: [
      { name: 'v1', labels: { version: 'v1' } },
      { name: 'v2', labels: { version: 'v2' }, ...v2 },
    ],
    ...spec,
  });

/** The Deployment of a version, with as many pods as it has in this world. */
export const shop = ({ pods }: World, version: 'v1' | 'v2', workload: Workload = {}): KubeObject =>
  deployment(`shop-${version}`, 'shop', version, { replicas: pods[version], ...workload });

export const web = ({ pods }: World, workload: Workload = {}): KubeObject =>
  deployment('web', 'web', 'v1', { replicas: pods.web, ...workload });

/** `web` calls `shop` for every request it gets; v2 of `shop` is released to a tenth of the calls. */
const healthyObjects = (world: World): readonly KubeObject[] => [
  web(world),
  service('web', { type: 'LoadBalancer' }),
  shop(world, 'v1'),
  shop(world, 'v2'),
  service('shop'),
  subsets(),
  route([promised(world)]),
];

/** Replaces the object of the same kind and name. @throws when there is none. */
export const put =
  (changed: KubeObject) =>
  (objects: readonly KubeObject[]): readonly KubeObject[] => {
    if (!objects.some((each) => objectRef(each) === objectRef(changed)))
      throw new Error(`there is no ${objectRef(changed)} to replace`);
    return objects.map((each) => (objectRef(each) === objectRef(changed) ? changed : each));
  };

export const add =
  (...added: readonly KubeObject[]) =>
  (objects: readonly KubeObject[]): readonly KubeObject[] => [...objects, ...added];

/** @param refs `Kind/name` */
export const without =
  (...refs: readonly string[]) =>
  (objects: readonly KubeObject[]): readonly KubeObject[] =>
    objects.filter(({ kind, metadata }) => !refs.includes(`${kind}/${metadata.name}`));

/** Nodes in two zones of one region, for pods that are put there. */
export const zones = add(node('a'), node('b'));

/** One change after the other. */
export const both =
  (...changes: readonly ((objects: readonly KubeObject[]) => readonly KubeObject[])[]) =>
  (objects: readonly KubeObject[]): readonly KubeObject[] =>
    changes.reduce((changed, change) => change(changed), objects);

/** What the web app calls, and how fast the shop answers. */
export const appsOf = ({ latencyMs }: World) =>
  ({
    web: { calls: ['http://shop/item'], latency: { kind: 'constant', ms: millis(0) }, startUp: millis(50) },
    shop: { latency: { kind: 'constant', ms: millis(latencyMs) }, startUp: millis(50) },
  }) as const;

const stageOf = ({ canary, margin }: World): StageParts => ({
  applies: ['VirtualService/shop'],
  deletes: [],
  expect: {
    share: { v2: ratio(canary / 100) },
    by: 'weight',
    mirror: undefined,
    errors: { max: ratio(0.02) },
  },
  precision: { margin: ratio(margin), errorRate: ratio(0.001), absence: ratio(0.02) },
});

const manifest = (object: KubeObject): ManifestObject => ({ object, file: 'shop.yaml', line: 1, lines: {} });

/** The scenario of a trial: its objects, divided into those that are there and those that the stage applies. */
export function scenarioOf(trial: Trial, world: World = HOME): Scenario {
  const healthy = healthyObjects(world);
  const objects = trial.change?.(healthy) ?? healthy;
  const { applies, deletes, ...parts } = { ...stageOf(world), ...trial.stage };
  const applied = ({ kind, metadata }: KubeObject): boolean => applies.includes(`${kind}/${metadata.name}`);
  const stage: Stage = {
    name: 'canary',
    apply: objects.filter(applied).map(manifest),
    delete: deletes.map((ref) => ({ namespace: NAMESPACE, ...ref })),
    ...parts,
  };
  return renaming(world)<Scenario>({
    name: 'confusion',
    file: 'scenario.yaml',
    mesh: 'istio',
    namespace: NAMESPACE,
    service: 'shop',
    from: 'web',
    versions: { v1: { version: 'v1' }, v2: { version: 'v2' } },
    marker: { uri: '/*', versions: { v1: image('shop', 'v1'), v2: image('shop', 'v2') }, failed: undefined },
    load: {
      uris: [{ method: 'GET', target: '/', headers: {}, line: 1 }],
      urisFile: 'uris.txt',
      model: world.load,
      order: 'round-robin',
      timeout: millis(3000),
    },
    seed: [],
    precision: stage.precision,
    watch: { client: 'require', source: 'require', destination: 'account', graph: 'account' },
    warmUp: millis(200),
    maxDuration: millis(world.maxDurationMs),
    stages: [stage],
    lab: {
      objects: [...objects.filter((object) => !applied(object)), ...(trial.before ?? [])].map(manifest),
      scrapeInterval: millis(world.scrapeIntervalMs),
      propagation: millis(50),
      stale: {},
      apps: appsOf(world),
    },
    ...trial.scenario,
  });
}
