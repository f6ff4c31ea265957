import type { PortConfig, ProxyConfig, TcpService } from '../../mesh/types.js';
import type { Identity } from '../control/identity.js';
import { connectionLog, requestLog } from './accessLogs.js';
import { BLACK_HOLE, PASSTHROUGH } from './clusters.js';
import { DISCOVERED } from './discovery.js';
import { httpConnectionManager } from './httpConnections.js';
import { readCallee } from './identityHeaders.js';
import { readDialled } from './identityTlvs.js';
import { any, extension, loopback, type Message } from './proto.js';
import { sourceOfBytes, sourceOfRequests } from './statsLabels.js';
import { tcpProxy } from './tcpProxies.js';

/** A listener as Istio has it: its name and address in the cluster, and what it does with a connection. */
export type OutboundListener = {
  readonly name: string;
  /** A ClusterIP, or `0.0.0.0` for every address that has no listener of its own. */
  readonly address: string;
  readonly port: number;
} & (
  | { readonly kind: 'http'; readonly table: string }
  /** HTTP by the table, everything else by the cluster. */
  | { readonly kind: 'detect'; readonly table: string; readonly cluster: string; readonly host: string }
  | { readonly kind: 'tcp'; readonly service: TcpService; readonly host: string }
  | { readonly kind: 'passthrough'; readonly forbidden: boolean }
);

const ANY_ADDRESS = '0.0.0.0';
const IPV4 = /^\d+(\.\d+){3}$/;

const clusterIpOf = (domains: readonly string[]): string | undefined => domains.find((domain) => IPV4.test(domain));

/** The listeners that a configuration asks for, the one for every other connection last. */
export function outboundListeners(config: ProxyConfig): OutboundListener[] {
  return [
    ...config.ports.flatMap(listenersOf),
    {
      kind: 'passthrough',
      name: 'virtualOutbound',
      address: ANY_ADDRESS,
      port: 15_001,
      forbidden: config.unknownHosts === 'registry-only',
    },
  ];
}

function listenersOf({ port, virtualHosts, tcp }: PortConfig): OutboundListener[] {
  // A headless Service has no address: its name tells its listener apart.
  const place = (host: string, domains: readonly string[]) => {
    const ip = clusterIpOf(domains);
    return { name: `${ip ?? host}_${port}`, address: ip ?? ANY_ADDRESS, port, host };
  };
  return [
    ...tcp
      // To an HTTP port the lab sends nothing but HTTP.
      .filter(({ besideHttp }) => !besideHttp)
      .map((service): OutboundListener => ({ kind: 'tcp', ...place(service.host, service.domains), service })),
    ...virtualHosts
      .filter((host) => host.detected)
      .map(({ name, domains }): OutboundListener => {
        const host = name.slice(0, name.lastIndexOf(':'));
        return { kind: 'detect', ...place(host, domains), table: name, cluster: `outbound|${port}||${host}` };
      }),
    ...(virtualHosts.some((host) => !host.detected) ? [httpListener(port)] : []),
  ];
}

/** The listener of all HTTP Services of a port; it stays when the last of them is gone. */
export const httpListener = (port: number): OutboundListener => ({
  kind: 'http',
  name: `${ANY_ADDRESS}_${port}`,
  address: ANY_ADDRESS,
  port,
  table: String(port),
});

/** What is dialled: an address of the cluster, and the Service behind it if there is one. */
export interface Dialled {
  readonly ip: string;
  readonly port: number;
  /** FQDN. */
  readonly host: string | undefined;
}

/** The listener that takes a connection: the address' own, else its port's, else the one for all others. */
export function listenerFor(
  listeners: readonly OutboundListener[],
  { ip, port, host }: Dialled,
): OutboundListener | undefined {
  const ofPort = listeners.filter((listener) => listener.port === port && listener.kind !== 'passthrough');
  return (
    ofPort.find((listener) => listener.address === ip) ??
    ofPort.find((listener) => 'host' in listener && listener.address === ANY_ADDRESS && listener.host === host) ??
    ofPort.find((listener) => listener.kind === 'http') ??
    listeners.find((listener) => listener.kind === 'passthrough')
  );
}

/** @param own the proxy's pod, for its metrics. */
export function renderOutboundListener(listener: OutboundListener, own: Identity): Message {
  const bytes = (target: Message) => tcpProxy(listener.name, target, connectionLog(sourceOfBytes(own)));
  const requests = (table: string) =>
    httpConnectionManager({
      prefix: `outbound_${listener.name}`,
      routes: { rds: { route_config_name: table, config_source: DISCOVERED } },
      filters: [readCallee(), extension('envoy.filters.http.fault', 'extensions.filters.http.fault.v3.HTTPFault')],
      log: requestLog(sourceOfRequests(own)),
      side: 'outbound',
    });
  return any('config.listener.v3.Listener', {
    name: listener.name,
    address: loopback(0),
    enable_reuse_port: false,
    traffic_direction: 'OUTBOUND',
    ...chains(listener, bytes, requests),
  });
}

function chains(
  listener: OutboundListener,
  bytes: (target: Message) => Message,
  requests: (table: string) => Message,
): Message {
  switch (listener.kind) {
    case 'http':
      return { listener_filters: [readDialled()], filter_chains: [{ filters: [requests(listener.table)] }] };
    case 'tcp':
      return { listener_filters: [readDialled()], filter_chains: [{ filters: [bytes(targetOf(listener.service))] }] };
    case 'passthrough':
      return {
        listener_filters: [readDialled()],
        filter_chains: [{ filters: [bytes({ cluster: listener.forbidden ? BLACK_HOLE : PASSTHROUGH })] }],
      };
    case 'detect':
      return {
        listener_filters: [readDialled(), detectHttp()],
        filter_chains: [{ filter_chain_match: HTTP, filters: [requests(listener.table)] }],
        default_filter_chain: { filters: [bytes({ cluster: listener.cluster })] },
        ...WAITS,
      };
  }
}

export const detectHttp = (): Message =>
  extension('envoy.filters.listener.http_inspector', 'extensions.filters.listener.http_inspector.v3.HttpInspector');

/** Connections whose first bytes are a request. */
export const HTTP: Message = { application_protocols: ['http/1.0', 'http/1.1', 'h2c'] };

/** What a connection is shows in its first bytes, however late they come: the mesh's `protocolDetectionTimeout` is none. */
export const WAITS: Message = { listener_filters_timeout: '0s' };

const targetOf = ({ cluster, destinations }: TcpService): Message =>
  destinations
    ? { weighted_clusters: { clusters: destinations.map(({ cluster: name, weight }) => ({ name, weight })) } }
    : { cluster };
