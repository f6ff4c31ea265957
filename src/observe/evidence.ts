import { sortedFlags, UNKNOWN, versionedRows } from './istioCounts.js';
import { type Labels, type Sample, selector } from './prometheus.js';
import type { Evidence, Observer, ScrapeTarget, SeriesFacts } from './types.js';
import type { WatchedService } from './versions.js';

/** Labels that Istio's proxies write; all others come from the scrape. */
const ISTIO_LABEL =
  /^(reporter|source_.*|destination_.*|request_protocol|response_code|response_flags|grpc_response_status|connection_security_policy|le)$/;
/** Of these each pod has its own, so they tell no copies apart. */
const POD_LABEL = /^(__name__|namespace|pod|kubernetes_namespace|kubernetes_pod_name|pod_name)$/;
const MOST_LABELS = 50;

/** What the growth of a side's series tells beside the counts. */
export function seriesFacts(rows: readonly Sample[], watched: WatchedService): SeriesFacts {
  const responses = new NestedCounts();
  const proxies = new NestedCounts();
  const labels = new Map<string, { key: readonly string[]; count: number }>();
  for (const { labels: of, value, version = UNKNOWN, own } of versionedRows(rows, watched)) {
    if (value <= 0) continue;
    if (own) responses.add(version, responseOf(of), value);
    proxies.add(proxyOf(of), version, value);
    const key = [
      of.destination_service_name ?? UNKNOWN,
      of.destination_workload ?? UNKNOWN,
      of.destination_version ?? UNKNOWN,
      of.destination_canonical_revision ?? UNKNOWN,
    ];
    const known = labels.get(key.join('\0'));
    labels.set(key.join('\0'), { key, count: (known?.count ?? 0) + value });
  }
  return {
    responses: responses.record(),
    labels: [...labels.values()]
      .sort((a, b) => b.count - a.count)
      .slice(0, MOST_LABELS)
      .map(({ key: [service = '', workload = '', version = '', revision = ''], count }) => ({
        service,
        workload,
        version,
        revision,
        count,
      })),
    proxies: proxies.record(),
    copies: copiesOf(rows, watched),
  };
}

/** Series of one proxy that differ in nothing but how they were scraped, and all grew. */
function copiesOf(rows: readonly Sample[], watched: WatchedService): SeriesFacts['copies'] {
  const byProxy = new Map<string, Map<string, { scrape: Labels; count: number }>>();
  for (const { labels, value } of versionedRows(rows, watched)) {
    if (value <= 0) continue;
    const scrape = Object.fromEntries(
      Object.entries(labels).filter(([name]) => !ISTIO_LABEL.test(name) && !POD_LABEL.test(name)),
    );
    const scrapes = byProxy.get(proxyOf(labels)) ?? new Map();
    const key = JSON.stringify(Object.entries(scrape).sort());
    scrapes.set(key, { scrape, count: (scrapes.get(key)?.count ?? 0) + value });
    byProxy.set(proxyOf(labels), scrapes);
  }
  return [...byProxy].flatMap(([proxy, scrapes]) => {
    const all = [...scrapes.values()];
    if (all.length < 2) return [];
    const names = [...new Set(all.flatMap(({ scrape }) => Object.keys(scrape)))].sort();
    const differing = names.filter((name) => new Set(all.map(({ scrape }) => scrape[name])).size > 1);
    const counts = all.map(({ scrape, count }) => [
      differing.map((name) => `${name}="${scrape[name] ?? ''}"`).join(', '),
      count,
    ]);
    return [{ proxy, counts: Object.fromEntries(counts) }];
  });
}

/** Targets of the namespace, as the last scrape left them. */
export const scrapedTargets = (namespace: string): string => selector('up', [['namespace', '=', namespace]]);

export const targetsOf = (samples: readonly Sample[]): ScrapeTarget[] =>
  samples
    .map(({ labels, value }) => ({ name: proxyOf(labels), up: value === 1 }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

/** What all vantage points can tell beside their counts; one set of questions. */
export async function gatherEvidence(observers: readonly Observer[], signal?: AbortSignal): Promise<Evidence> {
  const parts = await Promise.all(observers.map((observer) => observer.evidence?.(signal)));
  return Object.assign({}, ...parts);
}

const proxyOf = (labels: Labels): string => labels.pod ?? labels.kubernetes_pod_name ?? labels.instance ?? UNKNOWN;

const responseOf = ({ response_code: code = '', response_flags: flags }: Labels): string =>
  `${code} ${sortedFlags(flags)}`;

/** Counts under two names. */
class NestedCounts {
  private readonly counts = new Map<string, Map<string, number>>();

  add(first: string, second: string, value: number): void {
    const inner = this.counts.get(first) ?? new Map<string, number>();
    inner.set(second, (inner.get(second) ?? 0) + value);
    this.counts.set(first, inner);
  }

  record(): Record<string, Record<string, number>> {
    return Object.fromEntries([...this.counts].map(([name, inner]) => [name, Object.fromEntries(inner)]));
  }
}
