import { CONNECTIONS, newestSamples, serviceSelectors, UNKNOWN } from './istioCounts.js';
import type { PrometheusClient } from './prometheus.js';
import type { WatchedService } from './versions.js';

/** A workload and how often it called, or, where its calls are no requests to the mesh, connected. */
interface Caller {
  readonly workload: string;
  readonly namespace: string;
  readonly calls: number;
}

/** Workloads whose proxies have called the service, the busiest first; those that only open connections where nobody sends requests. */
export async function callersOf(
  prometheus: PrometheusClient,
  watched: WatchedService,
  signal?: AbortSignal,
): Promise<Caller[]> {
  const asking = await callersBy(undefined, prometheus, watched, signal);
  return asking.length > 0 ? asking : callersBy(CONNECTIONS, prometheus, watched, signal);
}

async function callersBy(
  metric: string | undefined,
  prometheus: PrometheusClient,
  watched: WatchedService,
  signal: AbortSignal | undefined,
): Promise<Caller[]> {
  const calls = new Map<string, Caller>();
  const selectors = serviceSelectors('source', watched, metric);
  for (const { labels, value } of await prometheus.instant(newestSamples(selectors), signal)) {
    const { source_workload: workload = UNKNOWN, source_workload_namespace: namespace = UNKNOWN } = labels;
    if (workload === UNKNOWN) continue;
    const known = calls.get(`${workload}.${namespace}`);
    calls.set(`${workload}.${namespace}`, { workload, namespace, calls: (known?.calls ?? 0) + value });
  }
  return [...calls.values()].sort((a, b) => b.calls - a.calls);
}
