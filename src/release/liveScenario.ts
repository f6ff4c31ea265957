import { ConfigError, EnvironmentError } from '../base/errors.js';
import { expandHost, type KubeObject, labelsMatch, namespaceOf } from '../base/kubernetes.js';
import type { Ratio } from '../base/units.js';
import { labels, record, records, text } from '../mesh/read.js';
import { DEFAULTS } from '../scenario/defaults.js';
import type { Scenario, Stage } from '../scenario/types.js';

/** Labels that tell versions apart, the usual one first. */
const VERSION_LABELS = ['version', 'app.kubernetes.io/version', 'service.istio.io/canonical-revision'];
const MOST_NAMES = 8;

export interface LiveQuestion {
  readonly namespace: string;
  readonly service: string;
  /** The workload whose calls are looked at; undefined: not known. */
  readonly from: string | undefined;
  /** Version -> share that it should get; empty: nothing is promised. */
  readonly expect: Readonly<Record<string, Ratio>>;
  /** Were the kinds that tell versions apart readable at all? Only used to say why none is known. */
  readonly unread: readonly string[];
}

/**
 * The smallest scenario that a live Service gives: its versions are the subsets of its DestinationRules, else the backends of its
 * HTTPRoutes, else what the pods' version labels say. The last version is the one that is expected, or the newest by name.
 * @throws EnvironmentError when there is no such Service, ConfigError when its versions cannot be told or an expected one is none of them.
 */
export function liveScenario(objects: readonly KubeObject[], question: LiveQuestion): Scenario {
  const { namespace, service, from, expect, unread } = question;
  checkService(objects, question);
  const versions = inOrder(versionsOf(objects, question), Object.keys(expect));
  const names = Object.keys(versions);
  if (names.length < 2) throw untold(names, unread);
  const strangers = Object.keys(expect).filter((name) => !names.includes(name));
  if (strangers.length > 0) {
    const message = `found ${strangers.join(', ')}; the versions of ${service} are ${names.join(', ')}`;
    throw new ConfigError([{ file: '--expect', message }]);
  }
  const stage: Stage = {
    name: 'live',
    apply: [],
    delete: [],
    expect: {
      share: Object.keys(expect).length > 0 ? expect : undefined,
      by: 'weight',
      mirror: undefined,
      errors: undefined,
    },
    precision: DEFAULTS.precision,
  };
  return {
    name: service,
    file: 'the live objects',
    mesh: 'istio',
    namespace,
    service,
    ...(from === undefined ? {} : { from }),
    versions,
    marker: undefined,
    load: {
      uris: [],
      urisFile: '',
      model: { kind: 'closed', users: 0, thinkTime: DEFAULTS.thinkTime },
      order: 'round-robin',
      timeout: DEFAULTS.timeout,
    },
    seed: [],
    precision: DEFAULTS.precision,
    watch: { client: 'off', source: 'require', destination: 'account', graph: 'account' },
    warmUp: DEFAULTS.warmUp,
    maxDuration: DEFAULTS.maxDuration,
    stages: [stage],
    lab: {
      objects: [],
      scrapeInterval: DEFAULTS.scrapeInterval,
      propagation: DEFAULTS.propagation,
      stale: {},
      apps: {},
    },
  };
}

function checkService(objects: readonly KubeObject[], { namespace, service, unread }: LiveQuestion): void {
  const services = objects.filter((each) => each.kind === 'Service' && each.metadata.namespace === namespace);
  if (unread.includes('Service') || services.some(({ metadata }) => metadata.name === service)) return;
  const names = services.map(({ metadata }) => metadata.name).sort();
  const more = names.length > MOST_NAMES ? ', ...' : '';
  const there = names.length > 0 ? `Services there: ${names.slice(0, MOST_NAMES).join(', ')}${more}` : 'it has none';
  throw new EnvironmentError(
    'E_TARGET',
    `namespace ${namespace} has no Service ${service}`,
    `${there}. Name another one with --service, another namespace with -n, or another cluster with --context.`,
  );
}

type Versions = Readonly<Record<string, Readonly<Record<string, string>>>>;

function versionsOf(objects: readonly KubeObject[], question: LiveQuestion): Versions {
  const candidates = [bySubsets, byBackends, byPods].map((how) => how(objects, question));
  return candidates.find((versions) => Object.keys(versions).length > 1) ?? candidates[2] ?? {};
}

const fqdn = ({ service, namespace }: LiveQuestion): string => `${service}.${namespace}.svc.cluster.local`;

function bySubsets(objects: readonly KubeObject[], question: LiveQuestion): Versions {
  return Object.fromEntries(
    objects
      .filter(({ kind }) => kind === 'DestinationRule')
      .filter(({ spec, metadata }) => expandHost(text(spec?.host) ?? '', namespaceOf({ metadata })) === fqdn(question))
      .flatMap(({ spec }) => records(spec?.subsets))
      .flatMap((subset) => {
        const own = { ...labels(subset.labels) };
        return Object.keys(own).length > 0 ? [[text(subset.name) ?? '', own] as const] : [];
      }),
  );
}

/** Gateway API: a Service for each version, whose selectors differ. */
function byBackends(objects: readonly KubeObject[], question: LiveQuestion): Versions {
  const backends = objects
    .filter(
      ({ kind, spec }) =>
        kind === 'HTTPRoute' && records(spec?.parentRefs).some((ref) => ref.name === question.service),
    )
    .flatMap(({ spec }) => records(spec?.rules))
    .flatMap((rule) => records(rule.backendRefs))
    .map((ref) => text(ref.name));
  const selectors = objects.filter(
    ({ kind, metadata }) =>
      kind === 'Service' && metadata.namespace === question.namespace && backends.includes(metadata.name),
  );
  return told(selectors.map(({ spec }) => ({ ...labels(spec?.selector) })));
}

function byPods(objects: readonly KubeObject[], question: LiveQuestion): Versions {
  const target = objects.find(
    ({ kind, metadata }) =>
      kind === 'Service' && metadata.name === question.service && metadata.namespace === question.namespace,
  );
  const selector = Object.fromEntries(
    Object.entries({ ...labels(target?.spec?.selector) }).filter(([name]) => !VERSION_LABELS.includes(name)),
  );
  if (Object.keys(selector).length === 0) return {};
  const here = objects.filter(({ metadata }) => metadata.namespace === question.namespace);
  const pods = here.filter(({ kind }) => kind === 'Pod').map(({ metadata }) => ({ ...labels(metadata.labels) }));
  const templates = here
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ spec }) => ({ ...labels(record(record(record(spec).template).metadata).labels) }));
  return told([...pods, ...templates].filter((each) => labelsMatch(selector, each)));
}

/** Versions by the first version label in which the sets differ. */
function told(sets: readonly Record<string, string>[]): Versions {
  const key = VERSION_LABELS.find((label) => new Set(sets.map((each) => each[label])).size > 1) ?? VERSION_LABELS[0];
  const values = sets.flatMap((each) => (key !== undefined && each[key] ? [each[key]] : []));
  return Object.fromEntries([...new Set(values)].map((value) => [value, { [key ?? '']: value }]));
}

/** By name, `v9` before `v10`; those that are expected come last, in their order, unless all are. */
function inOrder(versions: Versions, expected: readonly string[]): Versions {
  const names = Object.keys(versions).sort(new Intl.Collator('en', { numeric: true }).compare);
  const last = names.every((name) => expected.includes(name)) ? [] : expected.filter((name) => names.includes(name));
  const order = [...names.filter((name) => !last.includes(name)), ...last];
  return Object.fromEntries(order.map((name) => [name, versions[name] ?? {}]));
}

function untold(names: readonly string[], unread: readonly string[]): ConfigError {
  const blind = unread.filter((kind) => ['Pod', 'DestinationRule', 'Deployment'].includes(kind));
  const found = names.length === 0 ? 'no version' : `only the version ${names.join(', ')}`;
  const why = blind.length > 0 ? ` (not allowed to list: ${blind.join(', ')})` : '';
  return new ConfigError([
    {
      file: '--service',
      message: `the live objects tell ${found} of it${why}; two are needed to speak of a split`,
      hint: 'write the versions and their pod labels into a scenario (weighbridge init), and name that instead',
    },
  ]);
}
