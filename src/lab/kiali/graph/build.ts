import type { ClusterView } from '../cluster.js';
import type { GraphOptions } from '../options.js';
import type { PrometheusClient } from '../prometheus.js';
import { addBadges } from './badges.js';
import { addResponseTimes, addSecurity, addThroughput } from './edges.js';
import { labelNodes } from './labels.js';
import type { TrafficMap } from './nodes.js';
import { addIdleNodes, markBorders, markOutOfMesh, removeDeadNodes } from './presence.js';
import { type GraphDocument, renderGraph } from './render.js';
import { reduceToServices } from './service.js';
import { mergeTraffic, namespaceTraffic } from './traffic.js';

/**
 * Builds Kiali 1.89's graph of the asked namespaces: telemetry first, then the appenders in Kiali's order, then what concerns
 * the graph as a whole. Throws Failure.
 */
export async function buildGraph(
  options: GraphOptions,
  cluster: ClusterView,
  prometheus: PrometheusClient,
): Promise<GraphDocument> {
  const wants = (appender: string) => options.appenders === undefined || options.appenders.has(appender);
  const whole: TrafficMap = new Map();
  for (const asked of options.namespaces) {
    const { name } = asked;
    const window = { namespace: name, seconds: asked.windowSeconds };
    const traffic = await namespaceTraffic(asked, options, prometheus);
    if (wants('deadNode')) removeDeadNodes(traffic);
    if (wants('responseTime')) await addResponseTimes(traffic, window, options, prometheus);
    if (wants('securityPolicy')) await addSecurity(traffic, window, options, prometheus);
    if (wants('throughput')) await addThroughput(traffic, window, options, prometheus);
    if (wants('idleNode')) addIdleNodes(traffic, name, cluster, options);
    if (wants('istio')) addBadges(traffic, name, cluster);
    if (wants('meshCheck')) markOutOfMesh(traffic, cluster, options);
    mergeTraffic(whole, name, traffic);
  }
  markBorders(whole, options);
  // Labels come only when they are asked for by name.
  if (options.appenders?.has('labeler')) labelNodes(whole, cluster);
  return renderGraph(options.graphType === 'service' ? reduceToServices(whole) : whole, options);
}
