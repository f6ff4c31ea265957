import type { Authorization } from '../../mesh/authorization.js';
import type { Identity } from '../control/identity.js';
import type { InboundPort } from '../control/inboundPorts.js';
import { connectionLog, requestLog } from './accessLogs.js';
import { renderAuthorization } from './authorization.js';
import { inboundClusterName } from './clusters.js';
import { httpConnectionManager } from './httpConnections.js';
import { readCaller, tellIdentity } from './identityHeaders.js';
import { readCallerTlvs } from './identityTlvs.js';
import { detectHttp, HTTP, WAITS } from './outboundListeners.js';
import { any, loopback, type Message } from './proto.js';
import { destinationOfBytes, destinationOfRequests } from './statsLabels.js';
import { tcpProxy } from './tcpProxies.js';

export const inboundListenerName = (port: number): string => `inbound_${port}`;

interface InboundInput {
  readonly own: Identity;
  readonly told: Identity;
  readonly authorization: Authorization;
}

/**
 * The listener behind one port of the pod. Which Service its requests are counted for is the cluster's to say, so that a
 * Service which comes, goes or changes its selector replaces no listener.
 */
export function renderInboundListener(
  port: number,
  protocol: InboundPort['protocol'],
  { own, told, authorization }: InboundInput,
): Message {
  const cluster = inboundClusterName(port);
  const bytes = tcpProxy(cluster, { cluster }, connectionLog(destinationOfBytes(own)));
  const requests = httpConnectionManager({
    prefix: `inbound_${port}`,
    routes: { route_config: routesTo(cluster, port, told) },
    filters: [readCaller(), ...renderAuthorization(authorization, port)],
    log: requestLog(destinationOfRequests(own)),
    side: 'inbound',
    // A router's answer tells who answers; that of a filter before it does not.
    denied: tellIdentity(told),
  });
  return any('config.listener.v3.Listener', {
    name: inboundListenerName(port),
    address: loopback(0),
    enable_reuse_port: false,
    traffic_direction: 'INBOUND',
    ...chains(protocol, requests, bytes),
  });
}

function chains(protocol: InboundPort['protocol'], requests: Message, bytes: Message): Message {
  switch (protocol) {
    case 'http':
      return { listener_filters: [readCallerTlvs()], filter_chains: [{ filters: [requests] }], ...WAITS };
    case 'tcp':
      return { listener_filters: [readCallerTlvs()], filter_chains: [{ filters: [bytes] }], ...GIVES_UP };
    case 'detect':
      return {
        listener_filters: [readCallerTlvs(), detectHttp()],
        filter_chains: [{ filter_chain_match: HTTP, filters: [requests] }],
        default_filter_chain: { filters: [bytes] },
        ...WAITS,
      };
  }
}

/** A client without sidecar may wait for the server's greeting; one with a sidecar tells at once who it is. */
const GIVES_UP: Message = { listener_filters_timeout: '2s', continue_on_listener_filters_timeout: true };

const routesTo = (cluster: string, port: number, told: Identity): Message => ({
  name: cluster,
  virtual_hosts: [
    {
      name: `inbound|http|${port}`,
      domains: ['*'],
      routes: [{ name: 'default', match: { prefix: '/' }, route: { cluster, timeout: '0s' } }],
      response_headers_to_add: tellIdentity(told),
    },
  ],
  validate_clusters: false,
});
