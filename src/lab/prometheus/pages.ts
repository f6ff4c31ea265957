import { stringify } from 'yaml';
import type { MetricRelabelling } from '../control/faults.js';
import type { ScrapeTarget } from '../control/types.js';
import { seriesByName } from './api.js';
import { makeLabels } from './labels.js';
import { relabelConfig } from './relabel.js';
import type { TargetState } from './scrape.js';
import type { Storage } from './storage.js';

/** The release whose behaviour this server follows; clients choose their dialect by it. */
export const BUILD = {
  version: '2.42.0',
  revision: 'weighbridge',
  branch: 'HEAD',
  buildUser: 'weighbridge',
  buildDate: '19700101-00:00:00',
  goVersion: 'go1.19.8',
} as const;

export interface PageContext {
  readonly states: () => readonly TargetState[];
  /** YAML. */
  readonly config: () => string;
  readonly storage: Storage;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retentionMs: number;
  readonly startedMs: number;
}

/** A duration in the largest units that keep it exact, as Prometheus writes it: `15s`, `1m30s`, `250ms`. */
function promDuration(ms: number): string {
  let left = Math.round(ms);
  let text = '';
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ] as const) {
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  return text || '0s';
}

/** Where `prometheusConfig` sends a real Prometheus for the targets. */
export const DISCOVERY_PATH = '/service-discovery';

/** The targets as Prometheus' HTTP service discovery wants them: one group a target, whose path and scheme travel as labels. */
export function discoveryGroups(targets: readonly ScrapeTarget[]): readonly unknown[] {
  return targets.map(({ url, labels }) => {
    const { host, pathname, protocol } = new URL(url);
    return {
      targets: [host],
      labels: {
        ...Object.fromEntries(makeLabels(Object.entries(labels))),
        __scheme__: protocol.replace(':', ''),
        __metrics_path__: pathname,
      },
    };
  });
}

/**
 * The configuration with which a real Prometheus scrapes the same targets under the same labels, those that come later included: it
 * asks the lab for them every second (and takes changes up every five, its own pace).
 */
export function prometheusConfig(
  url: string,
  intervalMs: number,
  timeoutMs: number,
  relabelling: readonly MetricRelabelling[] = [],
): string {
  return stringify({
    global: {
      scrape_interval: promDuration(intervalMs),
      // A real Prometheus refuses a timeout longer than the interval.
      scrape_timeout: promDuration(Math.min(timeoutMs, intervalMs)),
      evaluation_interval: '1m',
    },
    scrape_configs: [
      {
        job_name: 'kubernetes-pods',
        honor_labels: true,
        http_sd_configs: [{ url: `${url}${DISCOVERY_PATH}`, refresh_interval: '1s' }],
        ...(relabelling.length > 0 ? { metric_relabel_configs: relabelConfig(relabelling) } : {}),
      },
    ],
  });
}

/** The pages that describe the server itself. */
export function pages(context: PageContext): Readonly<Record<string, (params: URLSearchParams) => unknown>> {
  const retention = promDuration(context.retentionMs);
  return {
    targets: (params) => targetsPage(context, params.get('state') ?? 'any'),
    'status/buildinfo': () => BUILD,
    'status/config': () => ({ yaml: context.config() }),
    'status/flags': () => ({
      'query.lookback-delta': '5m',
      'query.max-samples': '50000000',
      'query.timeout': '2m',
      'storage.tsdb.retention.time': retention,
      'web.enable-remote-write-receiver': 'true',
    }),
    'status/runtimeinfo': () => ({
      startTime: new Date(context.startedMs).toISOString(),
      CWD: '/',
      reloadConfigSuccess: true,
      lastConfigTime: new Date(context.startedMs).toISOString(),
      corruptionCount: 0,
      goroutineCount: 0,
      GOMAXPROCS: 1,
      GOGC: '',
      GODEBUG: '',
      storageRetention: retention,
    }),
    'status/tsdb': () => {
      const bounds = context.storage.bounds;
      return {
        headStats: {
          numSeries: context.storage.seriesCount,
          numLabelPairs: 0,
          chunkCount: 0,
          minTime: bounds?.minTime ?? 0,
          maxTime: bounds?.maxTime ?? 0,
        },
        seriesCountByMetricName: seriesByName(context.storage),
        labelValueCountByLabelName: [],
        memoryInBytesByLabelName: [],
        seriesCountByLabelValuePair: [],
      };
    },
  };
}

function targetsPage(context: PageContext, wanted: string): unknown {
  const active = wanted === 'dropped' ? [] : context.states().map((state) => describeTarget(state, context));
  return { activeTargets: active, droppedTargets: [] };
}

function describeTarget(state: TargetState, context: PageContext): unknown {
  const { url, labels } = state.target;
  const { host, pathname, protocol } = new URL(url);
  const [interval, timeout] = [promDuration(context.intervalMs), promDuration(context.timeoutMs)];
  return {
    discoveredLabels: {
      ...labels,
      __address__: host,
      __metrics_path__: pathname,
      __scheme__: protocol.replace(':', ''),
      __scrape_interval__: interval,
      __scrape_timeout__: timeout,
    },
    labels: Object.fromEntries(makeLabels(Object.entries(labels))),
    scrapePool: labels.job ?? 'kubernetes-pods',
    scrapeUrl: url,
    globalUrl: url,
    lastError: state.lastError,
    lastScrape: state.lastScrapeMs ? new Date(state.lastScrapeMs).toISOString() : '0001-01-01T00:00:00Z',
    lastScrapeDuration: state.lastDurationMs / 1000,
    health: state.health,
    scrapeInterval: interval,
    scrapeTimeout: timeout,
  };
}
