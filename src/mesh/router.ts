import { RE2JS } from 're2js';
import { perObject } from './memo.js';
import type { PortConfig, ProxyConfig, Route, RouteMatch, StringMatch, TcpService, VirtualHost } from './types.js';

export interface MeshRequest {
  readonly port: number;
  /** As in the Host header, with or without port. */
  readonly host: string;
  readonly method: string;
  /** With or without query. */
  readonly path: string;
  readonly headers: RequestHeaders;
  /** The client encrypts the connection, with the host as its server name. Default: on ports for TLS. */
  readonly tls?: boolean;
}

/** Keys in lower case, as Node gives them. */
type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Matched {
  readonly virtualHost: VirtualHost;
  readonly route: Route;
  /** The entry of `route.matches` that held; undefined for a route without conditions. */
  readonly match: RouteMatch | undefined;
}

/** Matchers of one configuration, prepared once. */
export interface Router {
  /** The first route that matches; undefined: the host is unknown here, or none of its routes matches (404 NR). */
  match(port: number, host: string, method: string, path: string, headers: RequestHeaders): Matched | undefined;
  /** Which virtual host answers for a Host header; undefined: unknown on this port. */
  virtualHost(port: number, host: string): VirtualHost | undefined;
  /** Which TCP service answers for a host name; undefined: none. */
  tcp(port: number, host: string): TcpService | undefined;
}

type Test = (method: string, host: string, path: string, query: string, headers: RequestHeaders) => boolean;
interface CompiledRoute {
  readonly matched: Matched;
  readonly test: Test | undefined;
}
interface CompiledPort {
  readonly exact: ReadonlyMap<string, CompiledHost>;
  /** Longest first. */
  readonly suffixes: readonly (readonly [string, CompiledHost])[];
  readonly any: CompiledHost | undefined;
  readonly tcp: ReadonlyMap<string, TcpService>;
}
interface CompiledHost {
  readonly virtualHost: VirtualHost;
  readonly routes: readonly CompiledRoute[];
}

/**
 * @returns a router whose matching costs no allocation per condition and no backtracking (RE2). A port is prepared at its first request,
 * and what an earlier configuration had alike is not prepared again.
 */
export function compileRouter(config: ProxyConfig): Router {
  const ports = new Map(config.ports.map((port) => [port.port, port]));
  const compiledPort = (port: number): CompiledPort | undefined => {
    const found = ports.get(port);
    return found && compilePort(found);
  };
  const find = (port: number, host: string): CompiledHost | undefined => {
    const compiled = compiledPort(port);
    if (!compiled) return undefined;
    const name = hostName(host);
    const exact = compiled.exact.get(name);
    if (exact) return exact;
    for (const [suffix, candidate] of compiled.suffixes) {
      if (name.length > suffix.length && name.endsWith(suffix)) return candidate;
    }
    return compiled.any;
  };
  return {
    virtualHost: (port, host) => find(port, host)?.virtualHost,
    tcp: (port, host) => compiledPort(port)?.tcp.get(hostName(host)),
    match(port, host, method, path, headers) {
      const found = find(port, host);
      if (!found) return undefined;
      const mark = path.indexOf('?');
      const bare = mark < 0 ? path : path.slice(0, mark);
      const query = mark < 0 ? '' : path.slice(mark + 1);
      for (const { matched, test } of found.routes) {
        if (!test || test(method, host, bare, query, headers)) return matched;
      }
      return undefined;
    },
  };
}

/** The first route for one request; for many requests keep a {@link compileRouter}. */
export function routeFor(config: ProxyConfig, request: MeshRequest): Matched | undefined {
  const { port, host, method, path, headers } = request;
  return compileRouter(config).match(port, host, method, path, headers);
}

/** Lower case, without port: proxies ignore the port in the Host header. */
function hostName(host: string): string {
  const end = host.lastIndexOf(':');
  const bare = end > 0 && !host.endsWith(']') ? host.slice(0, end) : host;
  return bare.toLowerCase();
}

const compilePort = perObject((port: PortConfig): CompiledPort => {
  const exact = new Map<string, CompiledHost>();
  const suffixes: [string, CompiledHost][] = [];
  let any: CompiledHost | undefined;
  for (const virtualHost of port.virtualHosts) {
    const host = compileHost(virtualHost);
    for (const domain of virtualHost.domains) {
      if (domain === '*') any ??= host;
      else if (domain.startsWith('*')) suffixes.push([domain.slice(1).toLowerCase(), host]);
      else if (!exact.has(domain.toLowerCase())) exact.set(domain.toLowerCase(), host);
    }
  }
  suffixes.sort(([a], [b]) => b.length - a.length);
  const tcp = new Map(
    port.tcp.flatMap((service) => service.domains.map((domain) => [domain.toLowerCase(), service] as const)),
  );
  return { exact, suffixes, any, tcp };
});

const compileHost = perObject(
  (virtualHost: VirtualHost): CompiledHost => ({
    virtualHost,
    routes: virtualHost.routes.flatMap((route) => compileRoute(virtualHost, route)),
  }),
);

function compileRoute(virtualHost: VirtualHost, route: Route): CompiledRoute[] {
  if (route.matches.length === 0) return [{ matched: { virtualHost, route, match: undefined }, test: undefined }];
  return route.matches.map((match) => ({ matched: { virtualHost, route, match }, test: compileMatch(match) }));
}

function compileMatch(match: RouteMatch): Test | undefined {
  const tests: Test[] = [];
  const { path, method, authority, scheme } = match;
  if (method) {
    const test = compileString(method);
    tests.push((value) => test(value));
  }
  if (path) {
    const test = compileString(path);
    tests.push((_method, _host, value) => test(value));
  }
  if (authority) {
    const test = compileString(authority);
    tests.push((_method, host) => test(host));
  }
  // Inside the mesh requests leave the application in plain text.
  if (scheme && !compileString(scheme)('http')) tests.push(() => false);
  for (const { name, match: condition, invert } of match.headers) tests.push(headerTest(name, condition, invert));
  for (const { name, match: condition } of match.query) {
    const test = compileString(condition);
    tests.push((_method, _host, _path, query) => {
      const value = queryValue(query, name);
      return value !== undefined && test(value);
    });
  }
  if (tests.length === 0) return undefined;
  return (method_, host, path_, query, headers) => tests.every((test) => test(method_, host, path_, query, headers));
}

function headerTest(name: string, condition: StringMatch, invert: boolean): Test {
  const test = compileString(condition);
  if (!invert) {
    return (_method, _host, _path, _query, headers) => {
      const value = headerValue(headers, name);
      return value !== undefined && test(value);
    };
  }
  if (condition.kind === 'present') return (_m, _h, _p, _q, headers) => headerValue(headers, name) === undefined;
  // A missing header counts as an empty one, so that "not exact 1" holds for it.
  return (_m, _h, _p, _q, headers) => !test(headerValue(headers, name) ?? '');
}

/** Several header lines of one name count as one value joined by a comma, as Envoy joins them. */
function headerValue(headers: RequestHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value.join(',');
}

/** The first value of a query parameter, not decoded, as Envoy compares it. */
function queryValue(query: string, name: string): string | undefined {
  for (const part of query.split('&')) {
    const equals = part.indexOf('=');
    if ((equals < 0 ? part : part.slice(0, equals)) === name) return equals < 0 ? '' : part.slice(equals + 1);
  }
  return undefined;
}

function compileString({ kind, value, ignoreCase }: StringMatch): (actual: string) => boolean {
  const fold = ignoreCase ? (text: string) => text.toLowerCase() : (text: string) => text;
  const expected = fold(value);
  switch (kind) {
    case 'present':
      return () => true;
    case 'exact':
      return (actual) => fold(actual) === expected;
    case 'prefix':
      return (actual) => fold(actual).startsWith(expected);
    case 'segment-prefix': {
      const stem = expected.endsWith('/') ? expected.slice(0, -1) : expected;
      return (actual) => {
        const path = fold(actual);
        return path === stem || path.startsWith(`${stem}/`);
      };
    }
    case 'regex': {
      const pattern = compileRegex(value);
      return (actual) => pattern?.testExact(actual) ?? false;
    }
  }
}

/** undefined: not RE2 syntax; Envoy refuses the whole configuration, here the match never holds. */
export function compileRegex(source: string): RE2JS | undefined {
  try {
    return RE2JS.compile(source);
  } catch {
    return undefined;
  }
}
