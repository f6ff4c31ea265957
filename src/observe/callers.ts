import { newestSamples, serviceSelectors, UNKNOWN } from './istioCounts.js';
import type { PrometheusClient } from './prometheus.js';
import type { WatchedService } from './versions.js';

/** Workloads whose proxies have called the service, the busiest first, as `workload` and its namespace. */
export async function callersOf(
  prometheus: PrometheusClient,
  watched: WatchedService,
  signal?: AbortSignal,
): Promise<{ readonly workload: string; readonly namespace: string; readonly calls: number }[]> {
  const calls = new Map<string, { workload: string; namespace: string; calls: number }>();
  for (const { labels, value } of await prometheus.instant(
    newestSamples(serviceSelectors('source', watched)),
    signal,
  )) {
    const { source_workload: workload = UNKNOWN, source_workload_namespace: namespace = UNKNOWN } = labels;
    if (workload === UNKNOWN) continue;
    const known = calls.get(`${workload}.${namespace}`);
    calls.set(`${workload}.${namespace}`, { workload, namespace, calls: (known?.calls ?? 0) + value });
  }
  return [...calls.values()].sort((a, b) => b.calls - a.calls);
}
