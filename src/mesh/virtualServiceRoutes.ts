import { expandHost, type KubeObject, namespaceOf, objectRef } from '../base/kubernetes.js';
import { millis, ratio } from '../base/units.js';
import { applicableMatches, isCatchAll, type Place } from './matches.js';
import { faultOf, headersOf, percentToRatio, retryPolicy } from './policies.js';
import { durationMs, type Fields, isRecord, number, record, records, text } from './read.js';
import { type Alias, clusterName, type Service } from './services.js';
import type { Destination, MeshWarning, RetryPolicy, Route } from './types.js';

export interface RuleContext extends Place {
  readonly services: Pick<ReadonlyMap<string, Service>, 'get'>;
  /** ExternalNames by their own names. */
  readonly aliases: Pick<ReadonlyMap<string, Alias>, 'get'>;
  readonly defaultRetries: RetryPolicy;
  warn(warning: MeshWarning): void;
}

/** One rule with the object and field that it was written in (a delegate's rules keep their own). */
export interface Rule {
  readonly fields: Fields;
  readonly object: KubeObject;
  readonly field: string;
}

/** Ordered routes of one host on one port; empty: no rule applies to this proxy and the Service balances as without the object. */
export function compileRules(rules: readonly Rule[], place: RuleContext): Route[] {
  const context = place.gateways.includes('mesh') ? { ...place, ...onPort(place) } : place;
  const routes: Route[] = [];
  let stop: string | undefined;
  for (const rule of rules) {
    const namespace = namespaceOf(rule.object);
    if (stop !== undefined) {
      context.warn({
        code: 'RULE_UNREACHABLE',
        object: objectRef(rule.object),
        field: rule.field,
        message: `${stop} matches every request, so this rule never applies; move it above.`,
      });
      continue;
    }
    const entries = applicableMatches(rule.fields, context, namespace);
    if (!entries) continue;
    const last = entries.findIndex((entry) => isCatchAll(entry.match));
    const kept = last < 0 ? entries : entries.slice(0, last + 1);
    if (kept.length === 0 || last >= 0) stop = rule.field;
    const route = compileRule(rule, context);
    if (route) routes.push({ ...route, matches: kept.map((entry) => entry.match) });
  }
  return routes;
}

/** The table of a sidecar's port knows of every Service that port alone, so that a destination without port means the port called. */
const onPort = (place: RuleContext): Pick<RuleContext, 'services' | 'aliases'> => ({
  services: new Map<string, Service>(),
  aliases: aliasesWithPort(place),
});

export const aliasesWithPort = ({ aliases, port }: Pick<RuleContext, 'aliases' | 'port'>): RuleContext['aliases'] => ({
  get: (host) => {
    const alias = aliases.get(host);
    return alias?.ports.some((each) => each.port === port) ? { ...alias, ports: [] } : undefined;
  },
});

function compileRule(rule: Rule, context: RuleContext): Route | undefined {
  const { fields, field, object } = rule;
  const action = actionOf(rule, context);
  if (!action) return undefined;
  const timeout = durationMs(fields.timeout);
  const headers = headersOf(fields);
  return {
    name: text(fields.name) ?? /http\[\d+\]$/.exec(field)?.[0] ?? 'default',
    matches: [],
    action,
    mirrors: action.kind === 'forward' ? mirrorsOf(fields, object, context) : [],
    fault: faultOf(fields.fault),
    retries: retryPolicy(fields.retries, context.defaultRetries),
    timeout: timeout === undefined || timeout <= 0 ? undefined : millis(timeout),
    rewrite: rewriteOf(fields.rewrite),
    requestHeaders: headers.request,
    responseHeaders: headers.response,
    field,
    source: objectRef(object),
  };
}

function actionOf(rule: Rule, context: RuleContext): Route['action'] | undefined {
  const { fields } = rule;
  if (isRecord(fields.redirect)) return redirectOf(fields.redirect);
  if (isRecord(fields.directResponse)) {
    const body = record(fields.directResponse.body);
    const bytes = text(body.bytes);
    return {
      kind: 'direct',
      status: number(fields.directResponse.status) ?? 200,
      body: text(body.string) ?? (bytes === undefined ? '' : Buffer.from(bytes, 'base64').toString('utf8')),
    };
  }
  const destinations = weightedDestinations(rule, context);
  return destinations.length > 0 ? { kind: 'forward', destinations } : undefined;
}

function redirectOf(fields: Fields): Route['action'] {
  const uri = text(fields.uri);
  const authority = text(fields.authority);
  const scheme = text(fields.scheme);
  const port = number(fields.port);
  return {
    kind: 'redirect',
    status: number(fields.redirectCode) || 301,
    ...(uri ? { uri } : {}),
    ...(authority ? { authority } : {}),
    ...(scheme ? { scheme } : {}),
    ...(port ? { port } : {}),
  };
}

function rewriteOf(value: unknown): Route['rewrite'] {
  if (!isRecord(value)) return undefined;
  const uri = text(value.uri);
  const authority = text(value.authority);
  const regex = record(value.uriRegexRewrite);
  const pattern = text(regex.match);
  const rewrite = {
    ...(uri ? { uri } : {}),
    ...(authority ? { authority } : {}),
    ...(pattern ? { regex: { pattern, substitution: text(regex.rewrite) ?? '' } } : {}),
  };
  return Object.keys(rewrite).length > 0 ? rewrite : undefined;
}

/** A single destination takes all whatever its weight; of several, those without a weight vanish. */
export function weightedDestinations(rule: Rule, context: RuleContext): Destination[] {
  const entries = records(rule.fields.route);
  const single = entries.length === 1;
  return entries.flatMap((entry, index) => {
    const weight = single ? number(entry.weight) || 100 : (number(entry.weight) ?? 0);
    if (weight <= 0) return [];
    const target = resolveDestination(record(entry.destination), rule.object, context);
    const headers = headersOf(entry);
    return [
      {
        ...target,
        weight,
        ...(isRecord(entry.headers) ? { requestHeaders: headers.request, responseHeaders: headers.response } : {}),
        field: `${rule.field}.route[${index}]`,
      },
    ];
  });
}

/** Istio's port rule: the written one, else the only one of the Service as far as it is known, else the port that was called. */
export function resolveDestination(
  destination: Fields,
  object: KubeObject,
  context: Pick<RuleContext, 'services' | 'aliases' | 'port'>,
): Omit<Destination, 'weight' | 'field'> {
  const written = expandHost(text(destination.host) ?? '', namespaceOf(object));
  const subset = text(destination.subset) ?? '';
  const alias = context.aliases.get(written);
  const host = alias?.target ?? written;
  const ports = (alias ?? context.services.get(host))?.ports ?? [];
  const only = ports.length === 1 ? ports[0]?.port : undefined;
  const port = number(record(destination.port).number) ?? only ?? context.port;
  return { cluster: clusterName(port, subset, host), host, subset, port };
}

function mirrorsOf(fields: Fields, object: KubeObject, context: RuleContext): Route['mirrors'] {
  const mirror = (destination: Fields, share: number): Route['mirrors'] => {
    const { cluster, host, subset } = resolveDestination(destination, object, context);
    return share > 0 ? [{ cluster, host, subset, share: ratio(share) }] : [];
  };
  if (isRecord(fields.mirror)) {
    // An empty mirrorPercentage is a percentage of zero, an absent one is 100 %.
    const percent = isRecord(fields.mirrorPercentage)
      ? (number(fields.mirrorPercentage.value) ?? 0)
      : (number(fields.mirrorPercent) ?? number(fields.mirror_percent) ?? 100);
    return mirror(fields.mirror, percentToRatio(percent));
  }
  return records(fields.mirrors).flatMap((entry) => {
    const percent = isRecord(entry.percentage) ? (number(entry.percentage.value) ?? 0) : 100;
    return mirror(record(entry.destination), percentToRatio(percent));
  });
}
