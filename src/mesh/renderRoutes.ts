import { literalPattern } from '../base/patterns.js';
import type {
  Cluster,
  Destination,
  HeaderChange,
  ProxyConfig,
  RetryPolicy,
  Route,
  RouteMatch,
  StringMatch,
  VirtualHost,
} from './types.js';

const TYPE = 'type.googleapis.com/envoy';
/** A message with its type, as Any is written in JSON. */
export const typed = (name: string, fields: object): object => ({ '@type': `${TYPE}.${name}`, ...fields });

/** One Envoy route for each alternative of a rule, in order. */
export function renderRoutes(route: Route, host: VirtualHost, clusters: ProxyConfig['clusters']): object[] {
  const matches = route.matches.length > 0 ? route.matches : [{ headers: [], query: [] }];
  const fault = renderFault(route);
  const single = singleDestination(route);
  return matches.map((match) => ({
    name: route.name,
    match: renderMatch(match),
    ...renderAction(route, match, clusters),
    ...(host.source ? { metadata: { filter_metadata: { istio: { config: sourcePath(host.source) } } } } : {}),
    ...headerChanges([route.requestHeaders, single?.requestHeaders], 'request'),
    ...headerChanges([route.responseHeaders, single?.responseHeaders], 'response'),
    ...(fault ? { typed_per_filter_config: { 'envoy.filters.http.fault': fault } } : {}),
  }));
}

const sourcePath = (source: string): string => {
  const [kind = '', namespace = '', name = ''] = source.split('/');
  const plural = kind.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
  return `/apis/networking.istio.io/v1/namespaces/${namespace}/${plural}/${name}`;
};

/** Protobuf's JSON spelling of a duration. */
export const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(6))}s`;

const STATUS_NAMES: Readonly<Record<number, string>> = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
};

/** A destination that is alone has no entry of its own: what it changes is part of the route. */
function singleDestination({ action }: Route): Destination | undefined {
  return action.kind === 'forward' && action.destinations.length === 1 ? action.destinations[0] : undefined;
}

function renderAction(route: Route, match: RouteMatch, clusters: ProxyConfig['clusters']): object {
  const { action } = route;
  if (action.kind === 'direct') {
    return {
      direct_response: { status: action.status, ...(action.body ? { body: { inline_string: action.body } } : {}) },
    };
  }
  if (action.kind === 'redirect') {
    return {
      redirect: {
        ...(action.scheme ? { scheme_redirect: action.scheme } : {}),
        ...(action.authority ? { host_redirect: action.authority } : {}),
        ...(action.port ? { port_redirect: action.port } : {}),
        ...(action.uri ? { path_redirect: action.uri } : {}),
        ...(action.prefix === undefined ? {} : { prefix_rewrite: action.prefix }),
        response_code: STATUS_NAMES[action.status] ?? 'MOVED_PERMANENTLY',
      },
    };
  }
  const only = singleDestination(route);
  const hashes = hashPolicies(action.destinations, clusters);
  const authority = route.rewrite?.authority ?? authorityOf([route.requestHeaders, only?.requestHeaders]);
  return {
    route: {
      ...(only
        ? { cluster: only.cluster }
        : { weighted_clusters: { clusters: action.destinations.map(renderWeighted) } }),
      ...(action.destinations.some(({ missingStatus }) => missingStatus === 500)
        ? { cluster_not_found_response_code: 'INTERNAL_SERVER_ERROR' }
        : {}),
      timeout: seconds(route.timeout ?? 0),
      ...(route.retries.attempts > 0 ? { retry_policy: renderRetries(route.retries) } : {}),
      ...(route.mirrors.length > 0
        ? {
            request_mirror_policies: route.mirrors.map(({ cluster, share }) => ({
              cluster,
              runtime_fraction: { default_value: millionths(share) },
              disable_shadow_host_suffix_append: true,
            })),
          }
        : {}),
      ...(hashes.length > 0 ? { hash_policy: hashes } : {}),
      ...renderPathRewrite(route, match),
      ...(authority ? { host_rewrite_literal: authority } : {}),
    },
  };
}

function renderPathRewrite({ rewrite }: Route, { path }: RouteMatch): object {
  const substitution = (pattern: string, text: string) => ({
    regex_rewrite: { pattern: { regex: pattern }, substitution: text },
  });
  if (rewrite?.regex) return substitution(rewrite.regex.pattern, rewrite.regex.substitution);
  if (!rewrite?.uri) return {};
  // As istiod does it: what is left of a path whose first segments go must not begin with two slashes.
  if (rewrite.uri === '/' && path?.kind === 'segment-prefix')
    return substitution(`^${literalPattern(path.value)}(/?)(.*)`, '/\\2');
  return { prefix_rewrite: rewrite.uri };
}

/** Istio puts the consistent hash of every destination on the route, where Envoy looks for it. */
function hashPolicies(destinations: readonly Destination[], clusters: ProxyConfig['clusters']): object[] {
  const policies = destinations.flatMap(({ cluster }) => {
    const hash = clusters[cluster]?.hash;
    return hash ? [renderHash(hash)] : [];
  });
  return [...new Map(policies.map((policy) => [JSON.stringify(policy), policy])).values()];
}

function renderHash({ by, name }: NonNullable<Cluster['hash']>): object {
  switch (by) {
    case 'header':
      return { header: { header_name: name } };
    case 'cookie':
      return { cookie: { name } };
    case 'query':
      return { query_parameter: { name } };
    case 'source-ip':
      return { connection_properties: { source_ip: true } };
  }
}

const renderWeighted = ({ cluster, weight, requestHeaders, responseHeaders }: Destination): object => ({
  name: cluster,
  weight,
  ...(authorityOf([requestHeaders]) ? { host_rewrite_literal: authorityOf([requestHeaders]) } : {}),
  ...headerChanges([requestHeaders], 'request'),
  ...headerChanges([responseHeaders], 'response'),
});

const renderRetries = ({ attempts, retryOn, statusCodes, perTryTimeout }: RetryPolicy): object => ({
  retry_on: retryOn.join(','),
  num_retries: attempts,
  ...(perTryTimeout === undefined ? {} : { per_try_timeout: seconds(perTryTimeout) }),
  retry_host_predicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      typed_config: typed('extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}),
    },
  ],
  host_selection_retry_max_attempts: '5',
  ...(statusCodes.length > 0 ? { retriable_status_codes: statusCodes } : {}),
});

const millionths = (share: number): object => ({ numerator: Math.round(share * 1_000_000), denominator: 'MILLION' });

function renderFault({ fault: { delay, abort } }: Route): object | undefined {
  if (!delay && !abort) return undefined;
  return typed('extensions.filters.http.fault.v3.HTTPFault', {
    ...(delay ? { delay: { fixed_delay: seconds(delay.duration), percentage: millionths(delay.share) } } : {}),
    ...(abort ? { abort: { http_status: abort.status, percentage: millionths(abort.share) } } : {}),
  });
}

/** Envoy refuses to change the host and pseudo-headers in this way; a host that is set becomes a rewrite. */
const isAuthority = (name: string): boolean => /^(host|:authority)$/i.test(name);
const isSpecial = (name: string): boolean => isAuthority(name) || name.startsWith(':');

function authorityOf(changes: readonly (HeaderChange | undefined)[]): string | undefined {
  const written = changes.flatMap((change) => [
    ...Object.entries(change?.set ?? {}),
    ...Object.entries(change?.add ?? {}),
  ]);
  return written.findLast(([name]) => isAuthority(name))?.[1];
}

function headerChanges(changes: readonly (HeaderChange | undefined)[], side: 'request' | 'response'): object {
  const entries = changes.flatMap((change) => [
    ...Object.entries(change?.set ?? {}).map(([key, value]) => ({
      header: { key, value },
      append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
    })),
    ...Object.entries(change?.add ?? {}).map(([key, value]) => ({ header: { key, value } })),
  ]);
  const added = entries.filter(({ header }) => !isSpecial(header.key));
  const removed = changes.flatMap((change) => change?.remove ?? []).filter((name) => !isSpecial(name));
  return {
    ...(added.length > 0 ? { [`${side}_headers_to_add`]: added } : {}),
    ...(removed.length > 0 ? { [`${side}_headers_to_remove`]: removed } : {}),
  };
}

function renderMatch({ path, method, authority, scheme, headers, query }: RouteMatch): object {
  const conditions = [
    ...(method ? [renderCondition(':method', method)] : []),
    ...(authority ? [renderCondition(':authority', authority)] : []),
    ...(scheme ? [renderCondition(':scheme', scheme)] : []),
    ...headers.map(({ name, match, invert }) => ({
      ...renderCondition(name, match),
      ...(invert ? { invert_match: true } : {}),
      ...(invert && match.kind !== 'present' ? { treat_missing_header_as_empty: true } : {}),
    })),
  ];
  return {
    ...renderPath(path),
    ...(conditions.length > 0 ? { headers: conditions } : {}),
    ...(query.length > 0 ? { query_parameters: query.map(({ name, match }) => renderCondition(name, match)) } : {}),
  };
}

function renderPath(path: StringMatch | undefined): object {
  if (!path) return { prefix: '/' };
  const fold = path.ignoreCase ? { case_sensitive: false } : {};
  switch (path.kind) {
    case 'exact':
      return { path: path.value, ...fold };
    case 'prefix':
      return { prefix: path.value, ...fold };
    case 'segment-prefix':
      return { path_separated_prefix: path.value, ...fold };
    case 'regex':
      return { safe_regex: { regex: path.value } };
    case 'present':
      return { prefix: '/' };
  }
}

function renderCondition(name: string, match: StringMatch): object {
  if (match.kind === 'present') return { name, present_match: true };
  if (match.kind === 'regex') return { name, string_match: { safe_regex: { regex: match.value } } };
  return { name, string_match: { [match.kind]: match.value } };
}
