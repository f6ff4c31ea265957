import { compileProxyConfig } from '../mesh/compile.js';
import { denialWarning } from '../mesh/denialWarnings.js';
import { atEach, meanOf, type PlacedCallers } from '../mesh/places.js';
import { connectionRoutes, predictShare } from '../mesh/predict.js';
import { type Receivers, receiversOf } from '../mesh/receivers.js';
import { compileRouter, type MeshRequest } from '../mesh/router.js';
import { type ConnectionRoute, connectionRoute } from '../mesh/serverNames.js';
import { matchText, serverNamesText } from '../mesh/summary.js';
import type { Destination, MeshObjects, MeshWarning, ProxyConfig, Route } from '../mesh/types.js';
import { placesWarning } from './explainPlaces.js';

/** What `explain --json` prints; the shape is a contract. */
export interface ExplainDocument {
  readonly from: string;
  readonly to: string;
  readonly routes: readonly ExplainedRoute[];
  readonly share: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly mirrored: Readonly<Record<string, number>>;
  readonly protocol: 'http' | 'tcp' | 'passthrough' | 'none';
  readonly warnings: readonly MeshWarning[];
  /** The object that made the routes; empty: the Service alone, balanced. */
  readonly source: string;
  /** Position in `routes` of the one that the request takes; -1: none. */
  readonly taken: number;
}

export interface ExplainedRoute {
  readonly name: string;
  /** Alternatives; empty: every request. */
  readonly matches: readonly string[];
  readonly destinations: readonly {
    readonly host: string;
    readonly subset: string;
    readonly port: number;
    readonly weight: number;
    /** Ready ones. */
    readonly endpoints: number;
    /** The mesh knows such a host, port and subset. */
    readonly exists: boolean;
  }[];
  /** A redirect or direct response instead of destinations. */
  readonly answer?: { readonly kind: string; readonly status: number };
  readonly mirrors: readonly {
    readonly host: string;
    readonly subset: string;
    readonly percent: number;
    readonly endpoints: number;
  }[];
  readonly fault: {
    readonly delay?: { readonly percent: number; readonly ms: number };
    readonly abort?: { readonly percent: number; readonly status: number };
  };
  readonly retries: {
    readonly attempts: number;
    readonly retryOn: readonly string[];
    readonly statusCodes: readonly number[];
    readonly perTryTimeoutMs: number;
  };
  /** 0: none. */
  readonly timeoutMs: number;
  /** Where it is written. */
  readonly field: string;
}

export interface Question {
  readonly objects: MeshObjects;
  /** One caller at the places where its pods run; the route table is that of the first. */
  readonly callers: PlacedCallers;
  readonly host: string;
  /** undefined: the port that the host has, when it has one. */
  readonly port: number | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly versionLabel: string;
}

/** The route table that one caller holds for one host, and where the described request goes. */
export function explain(question: Question): ExplainDocument {
  const { objects, callers, host, method, path, headers, versionLabel } = question;
  const compiled = atEach(callers, (one) => ({ ...one, config: compileProxyConfig(objects, one.caller) }));
  const [{ caller, config }] = compiled;
  const port = question.port ?? portFor(config, host) ?? 80;
  const request: MeshRequest = { port, host, method, path, headers };
  const router = compileRouter(config);
  const virtualHost = router.virtualHost(port, host);
  const matched = router.match(port, host, method, path, headers);
  const receivers = receiversOf(objects, caller);
  const denials = new Map<string, MeshWarning>();
  const noting: Pick<Receivers, 'refusal'> = {
    refusal: (endpoint, sent) => {
      const refusal = receivers.refusal(endpoint, sent);
      const warning = denialWarning(receivers.decision(endpoint, sent), sent);
      if (warning) denials.set(`${warning.object} ${warning.field}`, warning);
      return refusal;
    },
  };
  const versionOf = (labels: Readonly<Record<string, string>>) => labels[versionLabel];
  const placed = atEach(compiled, (one) => ({
    ...one,
    prediction: predictShare(one.config, request, versionOf, noting),
  }));
  const { share, failed, mirrored, protocol } = meanOf(placed);
  const connections = virtualHost ? [] : connectionRoutes(config, request);
  const connection = connectionRoute(connections, request);
  const [first] = connections;
  return {
    from: `${caller.workload}.${caller.namespace}`,
    to: `${host}:${port}`,
    routes: virtualHost
      ? virtualHost.routes.map((route) => explainRoute(route, config))
      : connections.map((route) => explainConnections(route, config)),
    share,
    failed,
    mirrored,
    protocol,
    warnings: [...config.warnings, ...denials.values(), ...placesWarning(placed)],
    source: virtualHost?.source ?? first?.tls?.source ?? first?.service.source ?? '',
    taken: virtualHost ? position(virtualHost.routes, matched?.route) : position(connections, connection),
  };
}

const position = <T>(list: readonly T[], item: T | undefined): number => (item === undefined ? -1 : list.indexOf(item));

/** The lowest port under which the proxy knows the host. */
export function portFor(config: ProxyConfig, host: string): number | undefined {
  const router = compileRouter(config);
  const known = config.ports.map(({ port }) => port);
  const found = known.find((port) => router.virtualHost(port, host) ?? router.tcp(port, host));
  return found ?? config.hidden?.find(({ domains }) => domains.includes(host))?.port;
}

const ready = (config: ProxyConfig, cluster: string): number =>
  config.clusters[cluster]?.endpoints.filter((endpoint) => endpoint.ready).length ?? 0;

const percent = (share: number): number => Number((share * 100).toFixed(6));

const explainDestination = (config: ProxyConfig, { cluster, host, subset, port, weight }: Destination) => ({
  host,
  subset,
  port,
  weight,
  endpoints: ready(config, cluster),
  exists: config.clusters[cluster] !== undefined,
});

function explainRoute(route: Route, config: ProxyConfig): ExplainedRoute {
  const { action, fault, retries } = route;
  return {
    name: route.name,
    matches: route.matches.map(matchText).filter((match) => match !== ''),
    destinations: action.kind === 'forward' ? action.destinations.map((one) => explainDestination(config, one)) : [],
    ...(action.kind === 'forward' ? {} : { answer: { kind: action.kind, status: action.status } }),
    mirrors: route.mirrors.map(({ cluster, host, subset, share }) => ({
      host,
      subset,
      percent: percent(share),
      endpoints: ready(config, cluster),
    })),
    fault: {
      ...(fault.delay ? { delay: { percent: percent(fault.delay.share), ms: fault.delay.duration } } : {}),
      ...(fault.abort ? { abort: { percent: percent(fault.abort.share), status: fault.abort.status } } : {}),
    },
    retries: {
      attempts: retries.attempts,
      retryOn: retries.retryOn,
      statusCodes: retries.statusCodes,
      perTryTimeoutMs: retries.perTryTimeout ?? 0,
    },
    timeoutMs: route.timeout ?? 0,
    field: route.field,
  };
}

function explainConnections({ destinations, tls }: ConnectionRoute, config: ProxyConfig): ExplainedRoute {
  return {
    name: tls ? 'tls' : 'tcp',
    matches: tls ? [serverNamesText(tls)] : [],
    destinations: destinations.map((one) => explainDestination(config, one)),
    mirrors: [],
    fault: {},
    retries: { attempts: 0, retryOn: [], statusCodes: [], perTryTimeoutMs: 0 },
    timeoutMs: 0,
    field: tls?.field ?? destinations[0]?.field.replace(/\.route\[\d+\]$/, '') ?? '',
  };
}
