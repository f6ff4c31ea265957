import { literalPattern } from '../base/patterns.js';
import { type Labels, type Sample, selector } from './prometheus.js';
import type { ProxyCounts, WindowCounts } from './types.js';
import { versionMapper, type WatchedService } from './versions.js';

const REQUESTS = 'istio_requests_total';
/** Connections to ports that are routed as TCP; a proxy counts no requests there. */
export const CONNECTIONS = 'istio_tcp_connections_opened_total';
export const DURATION_SUM = 'istio_request_duration_milliseconds_sum';
export const DURATION_COUNT = 'istio_request_duration_milliseconds_count';
export const UNKNOWN = 'unknown';
/** Prometheus' own look-back: the newest sample of this span, stale series included. */
const LOOK_BACK = '5m';
/** A target that failed that often from its beginning is not coming. */
const FEW_SCRAPES = 4;

/** Series of the requests to the service under watch, as the proxies of the given side count them, whoever calls. */
export function serviceSelectors(
  side: 'source' | 'destination',
  watched: WatchedService,
  metric = REQUESTS,
): readonly string[] {
  // Without a route or a cluster, Istio writes the Host header where the Service's name stands otherwise.
  const host = `${literalPattern(watched.service)}(\\..*)?(:[0-9]+)?`;
  return [
    selector(metric, [
      ['reporter', '=', side],
      ['destination_service_name', '=~', host],
    ]),
    // Routes of the Gateway API name another Service at the source, one for each version.
    selector(metric, [
      ['reporter', '=', side],
      ['destination_canonical_service', '=', watched.service],
      ['destination_workload_namespace', '=', watched.namespace],
    ]),
  ];
}

/** Requests that arrived at the proxy of the workload whose calls are judged. */
export function frontDoorSelectors(watched: WatchedService): readonly string[] {
  // The load comes in by the Service itself.
  if (watched.from === undefined) return [];
  return [
    selector(REQUESTS, [
      ['reporter', '=', 'destination'],
      ['destination_workload', '=', watched.from],
      ['destination_workload_namespace', '=', watched.namespace],
    ]),
  ];
}

/**
 * The newest raw sample of each series. last_over_time also finds the series of a pod that has just gone, whose last requests a plain
 * selector would lose, and of a target whose last scrape failed, whose whole history would otherwise look new when it is back.
 */
export function newestSamples(selectors: readonly string[]): string {
  return selectors.map((text) => `last_over_time(${text}[${LOOK_BACK}])`).join(' or ');
}

/** When the least recently scraped of these series was scraped, seconds since the epoch; no result without live series. */
export function oldestScrape(selectors: readonly string[]): string {
  return `min(${selectors.map((text) => `timestamp(${text})`).join(' or ')})`;
}

/** When the least recently scraped target of the namespace was scraped, whether that worked or not. */
export function oldestTargetScrape(namespace: string): string {
  return `min(timestamp(${selector('up', [['namespace', '=', namespace]])}))`;
}

/** Targets that cannot be scraped now, but could within the look-back, or are too new to tell; no result when there are none. */
export function failingTargets(namespace: string): string {
  const up = selector('up', [['namespace', '=', namespace]]);
  return `(${up} == 0) and (max_over_time(${up}[${LOOK_BACK}]) == 1 or count_over_time(${up}[${LOOK_BACK}]) < ${FEW_SCRAPES})`;
}

/** Sorts the growth of the service's series into accounts. */
export function countRequests(rows: readonly Sample[], watched: WatchedService): WindowCounts {
  const versionOf = versionMapper(watched.versions);
  const versions = new Map(Object.keys(watched.versions).map((name) => [name, { total: 0, failed: 0 }]));
  const unknown = { total: 0, failed: 0 };
  const responses: Record<string, number> = {};
  const foreign: Record<string, number> = {};
  const foreignVersions: Record<string, number> = {};
  for (const { labels, value } of rows) {
    if (!concernsService(labels, watched)) continue;
    if (!isOwn(labels, watched)) {
      if (value <= 0) continue;
      add(foreign, callerOf(labels), value);
      const version = versionOf(destinationOf(labels));
      if (version !== undefined) add(foreignVersions, version, value);
      continue;
    }
    const code = labels.response_code ?? '';
    const version = versionOf(destinationOf(labels));
    const account = (version === undefined ? undefined : versions.get(version)) ?? unknown;
    account.total += value;
    if (/^(5\d\d|0)$/.test(code)) account.failed += value;
    if (value > 0) add(responses, `${code} ${sortedFlags(labels.response_flags)}`, value);
  }
  return {
    versions: Object.fromEntries(versions),
    unknown,
    responses,
    foreign,
    ...(Object.keys(foreignVersions).length > 0 ? { foreignVersions } : {}),
    unmarked: 0,
    failed: [...versions.values(), unknown].reduce((sum, { failed }) => sum + failed, 0),
    sent: 0,
    byUri: [],
  };
}

/** Requests of the judged workload by the proxy that counted them and by version, proxies by name; requests without version are left out. */
export function countByProxy(rows: readonly Sample[], watched: WatchedService): ProxyCounts[] {
  const proxies = new Map<string, Record<string, number>>();
  for (const { labels, value, version } of attributedRows(rows, watched)) {
    const name = labels.pod ?? labels.instance ?? 'unknown';
    const versions = proxies.get(name) ?? Object.fromEntries(Object.keys(watched.versions).map((each) => [each, 0]));
    add(versions, version, value);
    proxies.set(name, versions);
  }
  return [...proxies].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, versions]) => ({ name, versions }));
}

/** Sum by version over the judged workload's own series (connections, milliseconds, ...). */
export function sumByVersion(rows: readonly Sample[], watched: WatchedService): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { value, version } of attributedRows(rows, watched)) add(sums, version, value);
  return sums;
}

function attributedRows(rows: readonly Sample[], watched: WatchedService) {
  return versionedRows(rows, watched).flatMap(({ labels, value, version, own }) =>
    version === undefined || !own ? [] : [{ labels, value, version }],
  );
}

/** Rows of the service with the version that answered, and whether the judged workload called. */
export function versionedRows(rows: readonly Sample[], watched: WatchedService) {
  const versionOf = versionMapper(watched.versions);
  return rows.flatMap(({ labels, value }) =>
    concernsService(labels, watched)
      ? [{ labels, value, version: versionOf(destinationOf(labels)), own: isOwn(labels, watched) }]
      : [],
  );
}

/** Callers without a proxy are `unknown`, and so is a load that calls the Service itself. */
const isOwn = (labels: Labels, { from, namespace }: WatchedService): boolean =>
  from === undefined
    ? (labels.source_workload ?? UNKNOWN) === UNKNOWN
    : labels.source_workload === from && labels.source_workload_namespace === namespace;

const callerOf = (labels: Labels): string =>
  `${labels.source_workload ?? UNKNOWN}.${labels.source_workload_namespace ?? UNKNOWN}`;

const destinationOf = (labels: Labels) => ({
  revision: labels.destination_canonical_revision ?? '',
  version: labels.destination_version ?? '',
  workload: labels.destination_workload ?? '',
});

/** Sum over all codes and sources. */
export function countAll(rows: readonly Sample[]): number {
  return rows.reduce((sum, { value }) => sum + value, 0);
}

/** The queries' patterns also match a Service of the same name in another namespace. */
function concernsService(labels: Labels, { service, namespace }: WatchedService): boolean {
  if (labels.destination_canonical_service === service && labels.destination_workload_namespace === namespace) {
    return true;
  }
  const host = (labels.destination_service_name ?? '').replace(/:\d+$/, '');
  const [name, hostNamespace] = host.split('.');
  if (name !== service) return false;
  const told = labels.destination_service_namespace;
  const resolved = hostNamespace ?? (told && told !== 'unknown' ? told : labels.source_workload_namespace);
  return resolved === namespace;
}

/** Proxies write the same flags in differing order over the years. */
export function sortedFlags(flags: string | undefined): string {
  return flags ? [...new Set(flags.split(','))].sort().join(',') : '-';
}

function add(counts: Record<string, number>, key: string, value: number): void {
  counts[key] = (counts[key] ?? 0) + value;
}
