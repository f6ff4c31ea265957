import type { Cluster } from './types.js';
import type { WarningInput } from './warningInput.js';

/** Clusters that some route leads to. */
export function usedClusters({ config: { ports, clusters } }: WarningInput): Cluster[] {
  const names = ports.flatMap(({ virtualHosts, tcp }) => [
    ...virtualHosts.flatMap(({ routes }) =>
      routes.flatMap(({ action, mirrors }) => [
        ...(action.kind === 'forward' ? action.destinations : []).map(({ cluster }) => cluster),
        ...mirrors.map(({ cluster }) => cluster),
      ]),
    ),
    ...tcp.flatMap(({ cluster, destinations, tls }) => [
      ...(destinations || tls ? [] : [cluster]),
      ...(destinations ?? []).map((destination) => destination.cluster),
      ...(tls ?? []).flatMap((route) => route.destinations.map((destination) => destination.cluster)),
    ]),
  ]);
  return [...new Set(names)].flatMap((name) => clusters[name] ?? []);
}
