import { renderCluster } from '../../mesh/renderConfigDump.js';
import type { Cluster, ProxyConfig } from '../../mesh/types.js';
import type { Identity } from '../control/identity.js';
import type { DestinationService } from '../control/inboundPorts.js';
import { DISCOVERED } from './discovery.js';
import { MESHED } from './endpoints.js';
import { REAL_TARGET, rawBuffer, TLVS, tellByTlvs } from './identityTlvs.js';
import { any, type Message } from './proto.js';

/** Every address that no cluster stands for, and none at all. */
export const PASSTHROUGH = 'PassthroughCluster';
export const BLACK_HOLE = 'BlackHoleCluster';

export const inboundClusterName = (port: number): string => `inbound|${port}||`;

/** A cluster of the mesh as istiod describes it, with its hosts to be asked for. @param told who the proxy says it is. */
function renderOutbound(cluster: Cluster, told: Identity): Message {
  const { name, host, serviceName, serviceNamespace, subset } = cluster;
  return {
    ...renderCluster(cluster),
    metadata: about({ host, name: serviceName, namespace: serviceNamespace }, subset),
    ...(cluster.balancing === 'original-dst'
      ? { original_dst_lb_config: DIALLED }
      : { eds_cluster_config: { service_name: name, eds_config: DISCOVERED } }),
    ...(cluster.protocol === 'tcp' && cluster.balancing !== 'original-dst'
      ? {
          transport_socket_matches: [
            { name: 'tlsMode-istio', match: MESHED, transport_socket: tellByTlvs(told) },
            { name: 'tlsMode-disabled', match: {}, transport_socket: rawBuffer() },
          ],
        }
      : {}),
  };
}

/** The metrics' labels read single fields, Istio's tools the list. */
const about = (service: DestinationService, subset: string): Message => ({
  filter_metadata: { istio: { ...service, services: [service], ...(subset ? { subset } : {}) } },
});

/** The address comes with the connection. */
const DIALLED: Message = { metadata_key: { key: TLVS, path: [{ key: REAL_TARGET }] } };

const UNLIMITED = 4_294_967_295;
const LIMITS: Message = {
  thresholds: [
    {
      max_connections: UNLIMITED,
      max_pending_requests: UNLIMITED,
      max_requests: UNLIMITED,
      max_retries: UNLIMITED,
    },
  ],
};

const builtIn = (name: string, fields: Message): Message =>
  any('config.cluster.v3.Cluster', {
    name,
    connect_timeout: '10s',
    circuit_breakers: LIMITS,
    ...fields,
  });

const named = (name: string): Message => ({ metadata: { filter_metadata: { istio: { name } } } });

function renderInbound(port: number, service: DestinationService): Message {
  const name = inboundClusterName(port);
  return builtIn(name, {
    type: 'EDS',
    eds_cluster_config: { service_name: name, eds_config: DISCOVERED },
    metadata: about(service, ''),
  });
}

/** All clusters of a proxy by name. @param inbound ports of the pod, and the Service that their requests are counted for. */
export function renderClusters(
  config: ProxyConfig,
  inbound: ReadonlyMap<number, DestinationService>,
  told: Identity,
): Map<string, Message> {
  return new Map<string, Message>([
    ...Object.values(config.clusters).map((cluster) => [cluster.name, renderOutbound(cluster, told)] as const),
    ...[...inbound].map(([port, service]) => [inboundClusterName(port), renderInbound(port, service)] as const),
    [
      PASSTHROUGH,
      builtIn(PASSTHROUGH, {
        type: 'ORIGINAL_DST',
        lb_policy: 'CLUSTER_PROVIDED',
        original_dst_lb_config: DIALLED,
        ...named(PASSTHROUGH),
      }),
    ],
    [BLACK_HOLE, builtIn(BLACK_HOLE, { type: 'STATIC', ...named(BLACK_HOLE) })],
  ]);
}
