import { compileProxyConfig } from '../mesh/compile.js';
import { type Example, exampleOf, PLAIN } from '../mesh/examples.js';
import { atEach, meanOf, type PlacedCallers } from '../mesh/places.js';
import { predictShare } from '../mesh/predict.js';
import { receiversOf } from '../mesh/receivers.js';
import { compileRouter, type MeshRequest } from '../mesh/router.js';
import { matchText } from '../mesh/summary.js';
import type { Prediction, VersionOf } from '../mesh/tally.js';
import type { MeshObjects, ProxyConfig, Route } from '../mesh/types.js';
import { portFor } from './explainDocument.js';

/** Requests of one kind that a change of objects treats otherwise. */
export interface TrafficChange {
  /** `host:port` */
  readonly to: string;
  /** One of these requests. */
  readonly request: Example;
  /** What they have in common, in words; empty: everything that no other route takes. */
  readonly matches: string;
  readonly before: Prediction;
  readonly after: Prediction;
  /** The part of these requests that ends elsewhere than before, 0..1. */
  readonly moved: number;
  /** What else is different, one clause each. */
  readonly details: readonly string[];
}

export interface TrafficDiff {
  readonly changes: readonly TrafficChange[];
  /** Conditions for which no request could be made up, so that nothing is said about them. */
  readonly unexamined: readonly string[];
}

export interface DiffQuestion {
  readonly before: MeshObjects;
  readonly after: MeshObjects;
  readonly callersBefore: PlacedCallers;
  readonly callersAfter: PlacedCallers;
  /** undefined: every host that the caller knows. */
  readonly to: { readonly host: string; readonly port: number | undefined } | undefined;
  readonly request: Example;
  readonly versionLabel: string;
}

/**
 * What a change of objects does to the traffic of one caller. For every host the described request, a plain one, and one for each condition
 * in either route table are followed through both; a request stands for all that take the same pair of routes.
 */
export function diffTraffic(question: DiffQuestion): TrafficDiff {
  const sides = {
    before: sideOf(question.before, question.callersBefore),
    after: sideOf(question.after, question.callersAfter),
  };
  const changes: TrafficChange[] = [];
  const unexamined = new Set<string>();
  for (const { host, port } of hostsOf(question, sides)) {
    const seen = new Set<string>();
    for (const { request, matches } of requestsFor(host, port, sides, question.request, unexamined)) {
      const [before, after] = [follow(sides.before, host, port, request), follow(sides.after, host, port, request)];
      const key = `${before.position} ${after.position}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const versionOf = (labels: Readonly<Record<string, string>>) => labels[question.versionLabel];
      const asked = { ...request, host, port };
      const outcomes = {
        before: sides.before.predict(asked, versionOf),
        after: sides.after.predict(asked, versionOf),
      };
      const moved = distance(ends(outcomes.before), ends(outcomes.after));
      const details = [...copies(outcomes.before, outcomes.after), ...policies(before.route, after.route)];
      if (moved < 1e-9 && details.length === 0 && outcomes.before.protocol === outcomes.after.protocol) continue;
      changes.push({ to: `${host}:${port}`, request, matches, ...outcomes, moved, details });
    }
  }
  return { changes: changes.sort((a, b) => b.moved - a.moved), unexamined: [...unexamined] };
}

interface Side {
  readonly config: ProxyConfig;
  readonly router: ReturnType<typeof compileRouter>;
  predict(request: MeshRequest, versionOf: VersionOf): Prediction;
}

function sideOf(objects: MeshObjects, callers: PlacedCallers): Side {
  const compiled = atEach(callers, ({ caller, pods }) => ({ pods, config: compileProxyConfig(objects, caller) }));
  const [{ config }] = compiled;
  const receivers = receiversOf(objects, callers[0].caller);
  return {
    config,
    router: compileRouter(config),
    predict: (request, versionOf) =>
      meanOf(
        atEach(compiled, (one) => ({
          pods: one.pods,
          prediction: predictShare(one.config, request, versionOf, receivers),
        })),
      ),
  };
}

type Sides = Readonly<Record<'before' | 'after', Side>>;

function hostsOf({ to }: DiffQuestion, { before, after }: Sides): { host: string; port: number }[] {
  if (to) {
    const port = to.port ?? portFor(after.config, to.host) ?? portFor(before.config, to.host) ?? 80;
    return [{ host: to.host, port }];
  }
  const hosts = new Map<string, { host: string; port: number }>();
  for (const { config } of [before, after]) {
    const services = new Set(Object.values(config.clusters).map(({ host }) => host));
    // Routes of a Service hold on every port of the mesh; those that it does not have are of no interest.
    const has = (host: string, port: number) => !services.has(host) || `outbound|${port}||${host}` in config.clusters;
    for (const { port, virtualHosts, tcp } of config.ports) {
      const names = [...virtualHosts, ...tcp].map(({ domains }) => domains[0]);
      const served = tcp.flatMap(({ tls = [] }) => tls.flatMap(({ serverNames }) => serverNames));
      for (const host of [...names, ...served]) {
        // A name that stands for many has none of its own that could be called.
        if (host !== undefined && !host.includes('*') && has(host, port)) hosts.set(`${host}:${port}`, { host, port });
      }
    }
    for (const { host, port } of config.hidden ?? []) hosts.set(`${host}:${port}`, { host, port });
  }
  return [...hosts.values()];
}

function requestsFor(
  host: string,
  port: number,
  { before, after }: Sides,
  described: Example,
  unexamined: Set<string>,
): { request: Example; matches: string }[] {
  const found = [
    { request: described, matches: '' },
    { request: PLAIN, matches: '' },
  ];
  for (const { router } of [after, before]) {
    for (const route of router.virtualHost(port, host)?.routes ?? []) {
      for (const match of route.matches) {
        const matches = matchText(match);
        const request = exampleOf(match);
        if (request) found.push({ request, matches });
        else unexamined.add(`${host}:${port} ${matches}`);
      }
    }
  }
  return found;
}

function follow({ router }: Side, host: string, port: number, { method, path, headers }: Example) {
  const matched = router.match(port, host, method, path, headers);
  return {
    route: matched?.route,
    position: matched ? matched.virtualHost.routes.indexOf(matched.route) : -1,
  };
}

const ends = ({ share, failed }: Prediction): Readonly<Record<string, number>> => ({
  ...share,
  ...Object.fromEntries(Object.entries(failed).map(([how, part]) => [`failed ${how}`, part])),
});

/** Half of what the parts differ by together: what leaves one end arrives at another. */
function distance(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): number {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].reduce((sum, key) => sum + Math.abs((a[key] ?? 0) - (b[key] ?? 0)), 0) / 2;
}

function copies(before: Prediction, after: Prediction): string[] {
  const versions = new Set([...Object.keys(before.mirrored), ...Object.keys(after.mirrored)]);
  return [...versions].sort().flatMap((version) => {
    const [was, is] = [before.mirrored[version] ?? 0, after.mirrored[version] ?? 0];
    const what = version === 'lost' ? 'copies lost' : `copies to ${version}`;
    return Math.abs(was - is) < 1e-9 ? [] : [`${what} ${percent(was)} → ${percent(is)}`];
  });
}

const percent = (share: number): string => `${Number((share * 100).toFixed(4))} %`;

function policies(before: Route | undefined, after: Route | undefined): string[] {
  if (!before || !after) return [];
  const ms = (value: number | undefined) => (value === undefined ? 'none' : `${value} ms`);
  const delay = ({ fault }: Route) =>
    fault.delay ? `${percent(fault.delay.share)} by ${ms(fault.delay.duration)}` : 'none';
  const values: [string, string, string][] = [
    ['timeout', ms(before.timeout), ms(after.timeout)],
    ['retries', String(before.retries.attempts), String(after.retries.attempts)],
    ['time for one try', ms(before.retries.perTryTimeout), ms(after.retries.perTryTimeout)],
    ['delay', delay(before), delay(after)],
  ];
  return values.flatMap(([what, was, is]) => (was === is ? [] : [`${what} ${was} → ${is}`]));
}
