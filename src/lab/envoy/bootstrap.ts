import type { ConfigFiles } from './configFiles.js';
import { loopback, type Message } from './proto.js';

/** Statistics that are kept: Istio's, and those that tell whether a configuration was taken over. */
const KEPT: readonly Message[] = [
  { prefix: 'istio.' },
  { suffix: '.version_text' },
  { suffix: '.update_rejected' },
  { exact: 'cluster_manager.warming_clusters' },
];

/** Histograms lag their counters by this much. */
const FLUSH_INTERVAL = '0.5s';

/** What the process starts with: everything else comes from the files. @param node `pod.namespace`. */
export function bootstrap(node: string, workload: string, files: ConfigFiles): Message {
  return {
    node: { id: node, cluster: workload },
    admin: { address: loopback(0) },
    dynamic_resources: { lds_config: files.source('lds'), cds_config: files.source('cds') },
    stats_config: { stats_matcher: { inclusion_list: { patterns: KEPT } } },
    stats_flush_interval: FLUSH_INTERVAL,
  };
}
