import { type KubeObject, labelsMatch } from '../../base/kubernetes.js';
import type { Flow } from './kind.js';
import { at, type DiagnosisInput, find, items, labels, namespaceOf, ofKind, service, text } from './objects.js';
import { byAge, hostIndex, isFollowed, subsetsOf, visibility, visible } from './rules.js';

/** One weighted target of a rule. */
export interface RouteEntry {
  /** Version of the scenario that the target selects; undefined: none or several. */
  readonly version: string | undefined;
  /** Subset, or the host without one. */
  readonly target: string;
  readonly subset: string | undefined;
  /** 0..1 after the mesh's normalisation. */
  readonly share: number;
  /** As written; `omitted` when it is not. */
  readonly weight: string;
  readonly effectiveWeight: number;
  readonly field: string;
}

interface MirrorEntry {
  readonly version: string | undefined;
  readonly target: string;
  readonly subset: string | undefined;
  /** Copies per primary, 0..1. */
  readonly share: number;
  readonly field: string;
  readonly percentField: string;
}

/** What a route object does with a plain GET of the service. */
export interface LiveRoute {
  readonly object: KubeObject;
  /** `spec.http[0]` */
  readonly rule: string;
  readonly entries: readonly RouteEntry[];
  readonly mirrors: readonly MirrorEntry[];
  /** Field that binds the object to the service: `spec.hosts[0]`. */
  readonly hostField: string;
  readonly host: string;
  /** What its other rules do, in their order; `before`: they are asked before the one above. */
  readonly others: readonly RouteRule[];
}

export interface RouteRule extends Pick<LiveRoute, 'rule' | 'entries' | 'mirrors'> {
  readonly before: boolean;
  readonly matches: readonly unknown[];
}

/**
 * Route objects of the service, the one in force first. In the mesh one VirtualService wins whole: exported to the caller's namespace only
 * before public, then the oldest, then by name and namespace.
 */
export function liveRoutes(input: DiagnosisInput): LiveRoute[] {
  const virtualServices = ofKind(input, 'VirtualService')
    .filter((object) => isFollowed(input, object) && visible(object, input))
    .sort((a, b) => visibility(a) - visibility(b) || byAge(a, b))
    .flatMap((object) => virtualServiceRoute(input, object) ?? []);
  const httpRoutes = [...ofKind(input, 'HTTPRoute')].sort(byAge).flatMap((object) => httpRoute(input, object) ?? []);
  return [...httpRoutes, ...virtualServices];
}

function virtualServiceRoute(input: DiagnosisInput, object: KubeObject): LiveRoute | undefined {
  const hosts = items(object.spec?.hosts).map((each) => text(each) ?? '');
  const index = hostIndex(input, object);
  const rules = items(object.spec?.http);
  if (index < 0 || rules.length === 0) return undefined;
  const position = Math.max(0, rules.findIndex(acceptsPlainGet));
  const rule = `spec.http[${position}]`;
  const told = rules.map((each, order) => ruleOf(input, object, each, `spec.http[${order}]`, order < position));
  const { entries, mirrors } = told[position] as RouteRule;
  const others = told.filter((_, order) => order !== position);
  return { object, rule, entries, mirrors, others, hostField: `spec.hosts[${index}]`, host: hosts[index] as string };
}

const ruleOf = (
  input: DiagnosisInput,
  object: KubeObject,
  rule: unknown,
  field: string,
  before: boolean,
): RouteRule => ({
  rule: field,
  entries: virtualServiceEntries(input, object, at(rule, 'route'), field),
  mirrors: virtualServiceMirrors(input, object, rule, field),
  before,
  matches: items(at(rule, 'match')),
});

/** No condition, or none but a method or a path that a GET of any page fulfils. */
function acceptsPlainGet(rule: unknown): boolean {
  const matches = items(at(rule, 'match'));
  return (
    matches.length === 0 ||
    matches.some((match) => {
      if (typeof match !== 'object' || match === null) return false;
      return Object.entries(match).every(([key, condition]) => {
        if (key === 'name' || key === 'ignoreUriCase') return true;
        if (key === 'method')
          return at(condition, 'exact') === 'GET' || /GET|\.\*/.test(text(at(condition, 'regex')) ?? '');
        return key === 'uri' && (at(condition, 'prefix') === '/' || at(condition, 'regex') === '.*');
      });
    })
  );
}

function virtualServiceEntries(input: DiagnosisInput, object: KubeObject, route: unknown, rule: string): RouteEntry[] {
  const entries = items(route);
  const weights = entries.map((entry) => (entries.length === 1 ? 100 : Number(at(entry, 'weight') ?? 0)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return entries.map((entry, index) => {
    const weight = weights[index] as number;
    return {
      ...destination(input, object, at(entry, 'destination')),
      share: sum === 0 ? 0 : weight / sum,
      weight: text(at(entry, 'weight')) ?? 'omitted',
      effectiveWeight: weight,
      field: `${rule}.route[${index}].weight`,
    };
  });
}

function virtualServiceMirrors(input: DiagnosisInput, object: KubeObject, rule: unknown, field: string): MirrorEntry[] {
  const percent = (value: unknown) => (value === undefined ? 1 : Number(at(value, 'value') ?? 0) / 100);
  const single = at(rule, 'mirror');
  if (single !== undefined) {
    const share = percent(at(rule, 'mirrorPercentage') ?? at(rule, 'mirror_percentage'));
    const percentField = `${field}.mirrorPercentage.value`;
    return [{ ...destination(input, object, single), share, field: `${field}.mirror`, percentField }];
  }
  return items(at(rule, 'mirrors')).map((each, index) => ({
    ...destination(input, object, at(each, 'destination')),
    share: percent(at(each, 'percentage')),
    field: `${field}.mirrors[${index}]`,
    percentField: `${field}.mirrors[${index}].percentage.value`,
  }));
}

function destination(input: DiagnosisInput, object: KubeObject, value: unknown) {
  const host = text(at(value, 'host')) ?? '';
  const subset = text(at(value, 'subset'));
  return { target: subset ?? host, subset, version: versionOf(input, object, host, subset) };
}

/** The one version that a destination stands for: by the subset's name, else by its labels, else by the selector of its Service. */
function versionOf(
  input: DiagnosisInput,
  object: KubeObject,
  host: string,
  subset: string | undefined,
): string | undefined {
  const versions = Object.entries(input.scenario.versions);
  const byLabels = (selected: Record<string, string>) =>
    versions.find(([, wanted]) => Object.keys(wanted).length > 0 && labelsMatch(wanted, selected))?.[0];
  if (subset === undefined) {
    const [name = '', namespace = namespaceOf(object)] = host.split('.');
    return byLabels(labels(find(input, 'Service', namespace, name)?.spec?.selector));
  }
  if (subset in input.scenario.versions) return subset;
  const defined = subsetsOf(input).find((each) => each.name === subset);
  return defined ? byLabels(defined.labels) : undefined;
}

/** Without a port the reference is to every one. */
function hasPort(input: DiagnosisInput, port: unknown): boolean {
  const ports = items(service(input)?.spec?.ports).map((each) => at(each, 'port'));
  return port === undefined || ports.length === 0 || ports.includes(port);
}

/** An HTTPRoute that is attached to the Service itself (Gateway API for mesh). */
function httpRoute(input: DiagnosisInput, object: KubeObject): LiveRoute | undefined {
  const parents = items(object.spec?.parentRefs);
  const index = parents.findIndex(
    (parent) =>
      at(parent, 'kind') === 'Service' &&
      at(parent, 'group') === '' &&
      at(parent, 'name') === input.scenario.service &&
      hasPort(input, at(parent, 'port')) &&
      (text(at(parent, 'namespace')) ?? namespaceOf(object)) === input.scenario.namespace,
  );
  const rules = items(object.spec?.rules);
  if (index < 0 || rules.length === 0) return undefined;
  const rule = rules[0];
  const refs = items(at(rule, 'backendRefs'));
  const weights = refs.map((ref) => Number(at(ref, 'weight') ?? 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const target = (ref: unknown) => destination(input, object, { host: text(at(ref, 'name')) });
  return {
    object,
    rule: 'spec.rules[0]',
    others: [],
    hostField: `spec.parentRefs[${index}].name`,
    host: input.scenario.service,
    entries: refs.map((ref, position) => ({
      ...target(ref),
      share: sum === 0 ? 0 : (weights[position] as number) / sum,
      weight: text(at(ref, 'weight')) ?? 'omitted',
      effectiveWeight: weights[position] as number,
      field: `spec.rules[0].backendRefs[${position}].weight`,
    })),
    mirrors: items(at(rule, 'filters')).flatMap((filter, position) => {
      if (at(filter, 'type') !== 'RequestMirror') return [];
      const field = `spec.rules[0].filters[${position}].requestMirror`;
      const share = Number(at(filter, 'requestMirror', 'percent') ?? 100) / 100;
      return [{ ...target(at(filter, 'requestMirror', 'backendRef')), share, field, percentField: `${field}.percent` }];
    }),
  };
}

/** What the weights and mirrors of a route say, whoever may answer. */
export function routeFlow({ scenario }: DiagnosisInput, route: Pick<LiveRoute, 'entries' | 'mirrors'>): Flow {
  const versions = Object.keys(scenario.versions);
  const share = Object.fromEntries(versions.map((version) => [version, routedShare(route, version)]));
  const copies = Object.fromEntries(
    route.mirrors.flatMap(({ version, share: each }) => (version === undefined ? [] : [[version, each]])),
  );
  return { share, lost: {}, copies };
}

/** Share that a version gets by the weights of a route. */
export const routedShare = (route: Pick<LiveRoute, 'entries'>, version: string): number =>
  route.entries.filter((entry) => entry.version === version).reduce((sum, entry) => sum + entry.share, 0);
