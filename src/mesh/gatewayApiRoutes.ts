import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { millis, ratio } from '../base/units.js';
import { isCatchAll } from './matches.js';
import { DEFAULT_RETRIES, NO_HEADERS, percentToRatio } from './policies.js';
import { durationMs, type Fields, isRecord, labels, list, number, record, records, text, texts } from './read.js';
import { clusterName } from './services.js';
import type {
  Destination,
  HeaderChange,
  MeshWarning,
  Redirect,
  RetryPolicy,
  Rewrite,
  Route,
  RouteMatch,
  StringMatch,
} from './types.js';
import type { RuleContext } from './virtualServiceRoutes.js';

/**
 * The merged routes of all HTTPRoutes that act on one Service and port, in Istio's order of precedence: exact path, prefix, regex, the
 * longer path, a method, more headers, more query parameters, then the older route, its name, and the position in it. What follows a
 * route for every request is cut off.
 * @param objects oldest first.
 * @param mayName whether a route may name a backend; inside the mesh it always may.
 */
export function routeTable(
  objects: readonly KubeObject[],
  defaultRetries: RetryPolicy,
  warn: (warning: MeshWarning) => void,
  mayName: (route: KubeObject, backend: Fields) => boolean = () => true,
): Route[] {
  const routes = objects
    .flatMap((object) =>
      records(object.spec?.rules).flatMap((rule, index) =>
        ruleRoutes(rule, `spec.rules[${index}]`, object, defaultRetries, (backend) => mayName(object, backend)),
      ),
    )
    .map((route, position) => ({ route, key: [...precedence(route.matches[0]), -position] }))
    .sort((a, b) => compareDescending(a.key, b.key))
    .map(({ route }) => route);
  const last = routes.findIndex((route) => route.matches.some(isCatchAll));
  const stop = routes[last];
  if (!stop) return routes;
  for (const route of routes.slice(last + 1)) {
    const message = `${stop.source} ${stop.field} matches every request before it.`;
    warn({ code: 'RULE_UNREACHABLE', object: route.source ?? '', field: route.field, message });
  }
  return routes.slice(0, last + 1);
}

function compareDescending(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return other - value;
  }
  return 0;
}

const KIND_RANK = { exact: 3, 'segment-prefix': 2, prefix: 2, regex: 1, present: 0 } as const;

/** Istio's order: the kind of the path, then its length, whatever the kind. No path is the prefix `/`. */
function precedence(match: RouteMatch | undefined): number[] {
  const { kind, value } = match?.path ?? { kind: 'prefix', value: '/' };
  return [KIND_RANK[kind], value.length, match?.method ? 1 : 0, match?.headers.length ?? 0, match?.query.length ?? 0];
}

function ruleRoutes(
  rule: Fields,
  field: string,
  object: KubeObject,
  defaultRetries: RetryPolicy,
  mayName: (backend: Fields) => boolean,
): Route[] {
  const { name, namespace = 'default' } = object.metadata;
  const filters = records(rule.filters);
  const backends = records(rule.backendRefs);
  const redirect = filters.find((filter) => text(filter.type) === 'RequestRedirect');
  const destinations = destinationsOf(backends, field, namespace, mayName);
  const action: Route['action'] = redirect
    ? redirectOf(record(redirect.requestRedirect))
    : destinations.length > 0
      ? { kind: 'forward', destinations }
      : { kind: 'direct', status: 500, body: '' };
  const retries = retriesOf(rule, defaultRetries);
  const common: Omit<Route, 'matches'> = {
    name: text(rule.name) ?? `${namespace}.${name}.${/\d+/.exec(field)?.[0] ?? 0}`,
    action,
    mirrors: filters.flatMap((filter) => mirrorOf(filter, namespace)),
    fault: {},
    retries,
    timeout: timeoutOf(rule),
    rewrite: rewriteOf(filters),
    requestHeaders: headerFilter(filters, 'RequestHeaderModifier', 'requestHeaderModifier'),
    responseHeaders: headerFilter(filters, 'ResponseHeaderModifier', 'responseHeaderModifier'),
    field,
    source: objectRef(object),
  };
  const matches = records(rule.matches);
  const read = object.kind === 'GRPCRoute' ? grpcMatchOf : matchOf;
  return (matches.length > 0 ? matches : [{}]).map((match) => ({ ...common, matches: [read(match)] }));
}

/** The default weight is 1; entries of weight 0 vanish. */
function destinationsOf(
  backends: readonly Fields[],
  field: string,
  namespace: string,
  mayName: (backend: Fields) => boolean,
): Destination[] {
  const kept = backends.flatMap((backend, index) => {
    const weight = number(backend.weight) ?? 1;
    if (weight <= 0) return [];
    const filters = records(backend.filters);
    return [
      {
        ...(mayName(backend) ? backendTarget(backend, namespace) : FORBIDDEN),
        weight,
        missingStatus: 500,
        ...(filters.length > 0
          ? {
              requestHeaders: headerFilter(filters, 'RequestHeaderModifier', 'requestHeaderModifier'),
              responseHeaders: headerFilter(filters, 'ResponseHeaderModifier', 'responseHeaderModifier'),
            }
          : {}),
        field: `${field}.backendRefs[${index}]`,
      },
    ];
  });
  return kept;
}

/** A backend that the route may not name is no cluster. */
const FORBIDDEN = { cluster: '', host: '', subset: '', port: 0 };

function backendTarget(backend: Fields, namespace: string): Omit<Destination, 'weight' | 'field'> {
  const name = text(backend.name) ?? '';
  const port = number(backend.port) ?? 0;
  const isService = (text(backend.group) ?? '') === '' && (text(backend.kind) ?? 'Service') === 'Service';
  const host = isService ? `${name}.${text(backend.namespace) ?? namespace}.svc.cluster.local` : name;
  return { cluster: clusterName(port, '', host), host, subset: '', port };
}

function mirrorOf(filter: Fields, namespace: string): Route['mirrors'] {
  if (text(filter.type) !== 'RequestMirror') return [];
  const mirror = record(filter.requestMirror);
  const { cluster, host } = backendTarget(record(mirror.backendRef), namespace);
  const fraction = isRecord(mirror.fraction) ? mirror.fraction : undefined;
  const percent = fraction
    ? ((number(fraction.numerator) ?? 0) / (number(fraction.denominator) ?? 100)) * 100
    : (number(mirror.percent) ?? 100);
  const share = percentToRatio(percent);
  return share > 0 ? [{ cluster, host, subset: '', share: ratio(share) }] : [];
}

/** A backendRequest timeout is the attempt's own only beside a retry; without one it is the route's. */
function timeoutOf(rule: Fields): Route['timeout'] {
  const timeouts = record(rule.timeouts);
  const request = durationMs(timeouts.request);
  const backend = durationMs(timeouts.backendRequest);
  const timeout = isRecord(rule.retry) ? request : (backend ?? request);
  return timeout === undefined || timeout <= 0 ? undefined : millis(timeout);
}

function retriesOf(rule: Fields, fallback: RetryPolicy): RetryPolicy {
  if (!isRecord(rule.retry)) return fallback;
  const attempts = number(rule.retry.attempts) ?? DEFAULT_RETRIES.attempts;
  const statusCodes = list(rule.retry.codes).filter((code): code is number => typeof code === 'number');
  const backend = durationMs(record(rule.timeouts).backendRequest);
  const perTryTimeout = backend === undefined || backend <= 0 ? undefined : millis(backend);
  const retryOn = DEFAULT_RETRIES.retryOn.filter((word) => statusCodes.length > 0 || word !== 'retriable-status-codes');
  return { attempts: Math.max(0, attempts), retryOn, statusCodes, perTryTimeout };
}

function matchOf(match: Fields): RouteMatch {
  const path = pathMatch(match.path);
  const method = text(match.method);
  return {
    ...(path ? { path } : {}),
    ...(method ? { method: { kind: 'exact', value: method } } : {}),
    headers: records(match.headers).map((header) => ({
      name: (text(header.name) ?? '').toLowerCase(),
      match: valueMatch(header),
      invert: false,
    })),
    query: records(match.queryParams).map((query) => ({ name: text(query.name) ?? '', match: valueMatch(query) })),
  };
}

/** A gRPC method is a path: `/service/method`. */
function grpcMatchOf(match: Fields): RouteMatch {
  const method = record(match.method);
  const [service, name] = [text(method.service), text(method.method)];
  const headers = matchOf({ headers: match.headers }).headers;
  if (!service && !name) return { headers, query: [] };
  if (text(method.type) === 'RegularExpression') {
    return { path: { kind: 'regex', value: `/${service ?? '.+'}/${name ?? '.+'}` }, headers, query: [] };
  }
  if (!service) return { path: { kind: 'regex', value: `/[^/]+/${name}` }, headers, query: [] };
  const path = name ? ({ kind: 'exact', value: `/${service}/${name}` } as const) : prefixOf(service);
  return { path, headers, query: [] };
}

const prefixOf = (service: string): StringMatch => ({ kind: 'prefix', value: `/${service}/` });

const valueMatch = (condition: Fields): StringMatch => ({
  kind: text(condition.type) === 'RegularExpression' ? 'regex' : 'exact',
  value: text(condition.value) ?? '',
});

function pathMatch(value: unknown): StringMatch | undefined {
  if (!isRecord(value)) return undefined;
  const path = text(value.value) ?? '/';
  switch (text(value.type) ?? 'PathPrefix') {
    case 'Exact':
      return { kind: 'exact', value: path };
    case 'RegularExpression':
      return { kind: 'regex', value: path };
    default:
      // A trailing slash says nothing in a prefix by segments.
      return path === '/' ? undefined : { kind: 'segment-prefix', value: path.replace(/\/$/, '') };
  }
}

function headerFilter(filters: readonly Fields[], type: string, key: string): HeaderChange {
  const filter = filters.find((candidate) => text(candidate.type) === type);
  if (!filter) return NO_HEADERS;
  const change = record(filter[key]);
  const pairs = (entries: unknown) =>
    labels(Object.fromEntries(records(entries).map((entry) => [text(entry.name) ?? '', entry.value])));
  return { set: pairs(change.set), add: pairs(change.add), remove: texts(change.remove) };
}

function rewriteOf(filters: readonly Fields[]): Rewrite | undefined {
  const filter = filters.find((candidate) => text(candidate.type) === 'URLRewrite');
  if (!filter) return undefined;
  const fields = record(filter.urlRewrite);
  const authority = text(fields.hostname);
  const path = record(fields.path);
  const full = text(path.replaceFullPath);
  const prefix = text(path.replacePrefixMatch);
  return {
    ...(authority ? { authority } : {}),
    ...(full === undefined ? {} : { regex: { pattern: '/.*', substitution: full } }),
    ...(prefix === undefined ? {} : { uri: prefix === '' ? '/' : prefix }),
  };
}

function redirectOf(fields: Fields): Redirect {
  const scheme = text(fields.scheme);
  const authority = text(fields.hostname);
  const port = number(fields.port);
  const path = record(fields.path);
  const uri = text(path.replaceFullPath);
  const prefix = text(path.replacePrefixMatch);
  return {
    kind: 'redirect',
    status: number(fields.statusCode) ?? 302,
    ...(scheme ? { scheme } : {}),
    ...(authority ? { authority } : {}),
    ...(port ? { port } : {}),
    ...(uri ? { uri } : {}),
    ...(prefix === undefined ? {} : { prefix }),
  };
}

/** With the Services that ExternalNames stand for, and without mirrors that name none: Istio leaves them out. */
export function withKnownBackends(
  routes: readonly Route[],
  { services, aliases }: Pick<RuleContext, 'services' | 'aliases'>,
): Route[] {
  const led = <T extends { readonly cluster: string; readonly host: string }>(to: T): T => {
    const host = aliases.get(to.host)?.target;
    return host === undefined ? to : { ...to, host, cluster: to.cluster.replace(/[^|]*$/, host) };
  };
  return routes.map((route) => ({
    ...route,
    action:
      route.action.kind === 'forward'
        ? { ...route.action, destinations: route.action.destinations.map(led) }
        : route.action,
    mirrors: route.mirrors.filter(({ host }) => services.get(host) ?? aliases.get(host)).map(led),
  }));
}
