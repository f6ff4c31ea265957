import { renderEndpoint, renderTiers } from '../../mesh/renderConfigDump.js';
import type { Cluster, Endpoint } from '../../mesh/types.js';
import { canonicalRevisionOf, canonicalServiceOf, type Identity } from '../control/identity.js';
import type { PodNetwork } from '../control/network.js';
import { REFUSING_PORT } from './preface.js';
import { any, loopback, type Message } from './proto.js';

/** What a host must have told for the sidecars to exchange who they are on a byte connection. */
export const MESHED: Message = { tlsMode: 'istio' };

/**
 * The hosts of a cluster: real places of this machine, each under the name of its address in the cluster, by which the
 * admin interface gives the address back.
 */
export function renderAssignment(cluster: Cluster, network: PodNetwork): Message {
  return assignment(
    cluster.name,
    renderTiers(cluster.endpoints, (endpoint) => renderHost(endpoint, network)),
  );
}

/** The application behind a port of the pod. @param real undefined: it does not listen (yet). */
export const renderInboundAssignment = (name: string, real: number | undefined): Message =>
  assignment(name, [{ locality: {}, lb_endpoints: [{ endpoint: { address: loopback(real ?? REFUSING_PORT) } }] }]);

const assignment = (name: string, tiers: readonly object[]): Message =>
  any('config.endpoint.v3.ClusterLoadAssignment', {
    cluster_name: name,
    endpoints: tiers,
    policy: { overprovisioning_factor: 140 },
  });

function renderHost(endpoint: Endpoint, network: PodNetwork): Message {
  const { ip, targetPort } = endpoint;
  const real = network.dial(ip, targetPort);
  const principal = network.listeners(ip)?.principal;
  return {
    ...renderEndpoint(endpoint),
    endpoint: { address: real === undefined ? refusing(ip) : loopback(real), hostname: `${ip}:${targetPort}` },
    metadata: {
      filter_metadata: {
        istio: discovered(endpoint),
        ...(principal ? { weighbridge: told(endpoint, principal), 'envoy.transport_socket_match': MESHED } : {}),
      },
    },
  };
}

/** Hosts of one cluster must differ in their addresses, also those where nothing listens. */
const refusing = (ip: string): Message => ({
  socket_address: { address: `127.${ip.split('.').slice(1).join('.')}`, port_value: REFUSING_PORT },
});

/** What Istio's endpoint discovery says of a host: neither app nor version. */
const discovered = ({ pod, labels, workload }: Endpoint): Message => ({
  workload: workload || 'unknown',
  namespace: pod.slice(0, pod.indexOf('/')),
  canonicalService: canonicalServiceOf(labels, workload),
  canonicalRevision: canonicalRevisionOf(labels),
  cluster: 'Kubernetes',
});

/** What the host's sidecar would tell itself; no header carries it on a byte connection. */
const told = ({ labels }: Endpoint, principal: string): Partial<Identity> & Message => ({
  app: labels['app.kubernetes.io/name'] ?? labels.app ?? 'unknown',
  version: labels['app.kubernetes.io/version'] ?? labels.version ?? 'unknown',
  principal,
});
