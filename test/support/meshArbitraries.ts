import fc from 'fast-check';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { pod } from './mesh.js';

/** A rule in the words of the test's own reference, next to the fields that are compiled. */
interface PlainRule {
  /** Header x must have this value; undefined: every request. */
  readonly x: string | undefined;
  readonly weights: readonly { readonly subset: string; readonly weight: number }[];
  readonly abortPercent: number;
  readonly mirror: { readonly subset: string; readonly percent: number } | undefined;
}

export interface PlainWorld {
  readonly pods: readonly { readonly version: string; readonly ready: boolean }[];
  /** Subset name -> version label; the Service is found under an empty name. */
  readonly subsets: Readonly<Record<string, string>>;
  readonly pinned: string | undefined;
  readonly rules: readonly PlainRule[];
}

const version = fc.constantFrom('v1', 'v2', 'v3');
const subset = fc.constantFrom('v1', 'v2', 'v3', '');

const plainRule: fc.Arbitrary<PlainRule> = fc.record({
  x: fc.option(fc.constantFrom('1', '2'), { nil: undefined }),
  weights: fc
    .array(fc.record({ subset, weight: fc.integer({ min: 0, max: 100 }) }), { minLength: 1, maxLength: 3 })
    .filter((weights) => weights.length === 1 || weights.some(({ weight }) => weight > 0)),
  abortPercent: fc.constantFrom(0, 0, 25, 100),
  mirror: fc.option(fc.record({ subset, percent: fc.integer({ min: 0, max: 100 }) }), { nil: undefined }),
});

/** A Service `shop` with pods of up to three versions, subsets that may be missing or wrong, and up to three rules. */
export const plainWorld: fc.Arbitrary<PlainWorld> = fc.record({
  pods: fc.array(fc.record({ version, ready: fc.boolean() }), { maxLength: 6 }),
  subsets: fc.dictionary(fc.constantFrom('v1', 'v2', 'v3'), version, { noNullPrototype: true }),
  pinned: fc.option(version, { nil: undefined }),
  rules: fc.array(plainRule, { maxLength: 3 }),
});

const destination = (name: string) => ({ host: 'shop', ...(name ? { subset: name } : {}) });

export function objectsOf(world: PlainWorld): KubeObject[] {
  const meta = { name: 'shop', namespace: 'demo' };
  const selector = { app: 'shop', ...(world.pinned ? { version: world.pinned } : {}) };
  const subsets = Object.entries(world.subsets).map(([name, label]) => ({ name, labels: { version: label } }));
  const http = world.rules.map(({ x, weights, abortPercent, mirror }) => ({
    ...(x === undefined ? {} : { match: [{ headers: { x: { exact: x } } }] }),
    route: weights.map(({ subset: name, weight }) => ({ destination: destination(name), weight })),
    ...(abortPercent > 0 ? { fault: { abort: { httpStatus: 555, percentage: { value: abortPercent } } } } : {}),
    ...(mirror ? { mirror: destination(mirror.subset), mirrorPercentage: { value: mirror.percent } } : {}),
  }));
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta,
      spec: { selector, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
    { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: meta, spec: { host: 'shop', subsets } },
    ...(http.length > 0
      ? [
          {
            apiVersion: 'networking.istio.io/v1',
            kind: 'VirtualService',
            metadata: meta,
            spec: { hosts: ['shop'], http },
          },
        ]
      : []),
    // A pod that the Service does not select keeps the objects those of a cluster, where Deployments are not consulted.
    pod('other', 'v1'),
    ...world.pods.map((one, index) => pod('shop', one.version, index, { ready: one.ready })),
  ];
}

const string = fc.oneof(
  fc.record({ exact: fc.constantFrom('a', 'GET', '/x') }),
  fc.record({ prefix: fc.constantFrom('a', '/x', '/') }),
  fc.record({ regex: fc.constantFrom('a|b', '/x.*', '.*') }),
  fc.constant({}),
);
const path = fc.oneof(
  fc.record({ exact: fc.constantFrom('/a', '/b') }),
  fc.record({ prefix: fc.constantFrom('/', '/a', '/a/') }),
  fc.record({ regex: fc.constantFrom('.*', '/a.+') }),
);
const match = fc.record(
  {
    uri: path,
    method: string,
    authority: string,
    headers: fc.dictionary(fc.constantFrom('x', 'y'), string, { noNullPrototype: true }),
    withoutHeaders: fc.dictionary(fc.constantFrom('z', 'y'), string, { noNullPrototype: true }),
    queryParams: fc.dictionary(fc.constantFrom('q', 'r'), string, { noNullPrototype: true }),
    ignoreUriCase: fc.boolean(),
  },
  { requiredKeys: [] },
);
const target = fc.record({
  destination: fc.record(
    { host: fc.constantFrom('shop', 'nobody'), subset: fc.constantFrom('v1', 'v2', 'v9') },
    { requiredKeys: ['host'] },
  ),
  weight: fc.integer({ min: 1, max: 100 }),
});
const percentage = fc.record({ value: fc.integer({ min: 0, max: 1_000_000 }).map((parts) => parts / 10_000) });
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ route: fc.array(target, { minLength: 1, maxLength: 4 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      redirect: fc.record({ uri: fc.constantFrom('/n', '/m'), redirectCode: fc.constantFrom(301, 302, 308) }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      directResponse: fc.record({ status: fc.constantFrom(200, 418), body: fc.record({ string: fc.string() }) }),
    }),
  },
);
const extras = fc.record(
  {
    match: fc.array(match, { minLength: 1, maxLength: 3 }),
    mirrors: fc.array(
      fc.record({
        destination: fc.record({ host: fc.constant('shop'), subset: fc.constantFrom('v1', 'v2') }),
        percentage,
      }),
      { maxLength: 2 },
    ),
    fault: fc.record({
      delay: fc.record({ percentage, fixedDelay: fc.constantFrom('1ms', '2.5s') }),
      abort: fc.record({ percentage, httpStatus: fc.constantFrom(400, 503) }),
    }),
    timeout: fc.constantFrom('1ms', '1.5s', '2m'),
    retries: fc.record({ attempts: fc.integer({ min: 0, max: 5 }) }),
  },
  { requiredKeys: [] },
);

/** Any `http` section of a VirtualService on `shop`; a redirect never has a fault, which the cluster would refuse. */
export const httpSection: fc.Arbitrary<Record<string, unknown>[]> = fc.array(
  fc.tuple(action, extras).map(([what, more]): Record<string, unknown> => {
    if (!('redirect' in what)) return { ...what, ...more };
    const { fault: _fault, ...rest } = more;
    return { ...what, ...rest };
  }),
  { minLength: 1, maxLength: 4 },
);
