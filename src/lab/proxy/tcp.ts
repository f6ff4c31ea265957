import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TcpService } from '../../mesh/types.js';
import type { DestinationService } from '../control/inboundPorts.js';
import { join } from '../control/sockets.js';
import { drawDestination } from './draws.js';
import type { InboundContext } from './inbound.js';
import type { TcpSeries } from './metrics.js';
import type { OutboundContext } from './outboundContext.js';
import { type Peer, unknownPeer } from './peer.js';
import { CLIENT_PATIENCE_MS, receivePeer, sendPeer } from './peerExchange.js';

/** A byte connection is tried once, which spends what tries there are. */
const REFUSED = 'UF,URX';

/** Books a connection: opened now, bytes as they pass (Istio reports them while it lives), closed when both sides are. */
function book(series: TcpSeries, downstream: Socket, upstream: Socket): void {
  series.opened += 1;
  downstream.on('data', (chunk: Buffer) => {
    series.receivedBytes += chunk.length;
  });
  upstream.on('data', (chunk: Buffer) => {
    series.sentBytes += chunk.length;
  });
  let closed = false;
  const close = () => {
    if (closed) return;
    closed = true;
    series.closed += 1;
  };
  if (downstream.destroyed || upstream.destroyed) close();
  downstream.on('close', close);
  upstream.on('close', close);
}

function refuse(series: TcpSeries, downstream: Socket): void {
  series.opened += 1;
  series.closed += 1;
  downstream.destroy();
}

/** A listener for the TCP connections of a pod to one Service. */
export function tcpOutbound(context: OutboundContext, find: () => TcpService | undefined): Server {
  return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (downstream) => {
    downstream.on('error', () => undefined);
    const service = find();
    if (service) openTcp(context, service, downstream);
    else downstream.destroy();
  });
}

function openTcp(context: OutboundContext, service: TcpService, downstream: Socket): void {
  const cluster = context.clusters[chosenCluster(context, service)];
  const state = cluster && context.state(cluster.name, cluster);
  const host = state?.pick(undefined, undefined);
  const real = host && context.network.dial(host.endpoint.ip, host.endpoint.targetPort);
  const principal = (host && context.network.listeners(host.endpoint.ip)?.principal) ?? 'unknown';
  const destination: DestinationService = cluster
    ? { host: cluster.host, name: cluster.serviceName, namespace: cluster.serviceNamespace }
    : { host: service.host, name: service.host, namespace: 'unknown' };
  const seriesOf = (peer: Peer, flags: string) =>
    context.metrics.tcpSeries(`${peer.id}|${principal}|${destination.host}|${flags}`, () => ({
      reporter: 'source',
      source: context.own,
      destination: { ...peer, principal },
      service: destination,
      protocol: 'tcp',
      flags,
      security: 'unknown',
    }));
  if (!state || !host) {
    refuse(seriesOf(unknownPeer, state ? 'UH' : 'NC'), downstream);
    return;
  }
  if (!state.admitConnection()) {
    refuse(seriesOf(unknownPeer, 'UO'), downstream);
    return;
  }
  host.active += 1;
  const leave = () => {
    host.active -= 1;
    state.release();
  };
  const fail = () => {
    state.report(host, 503);
    refuse(seriesOf(host.peer, REFUSED), downstream);
  };
  if (real === undefined) {
    leave();
    fail();
    return;
  }
  const upstream = connect({ host: '127.0.0.1', port: real, allowHalfOpen: true, noDelay: true });
  context.track(upstream);
  let connected = false;
  upstream.once('close', leave);
  upstream.on('error', () => {
    if (!connected) fail();
  });
  upstream.once('connect', () => {
    connected = true;
    state.report(host, 200);
    if (principal === 'unknown') {
      book(seriesOf(host.peer, ''), downstream, upstream);
      join(downstream, upstream);
      return;
    }
    sendPeer(upstream, context.told);
    receivePeer(upstream, context.peers, CLIENT_PATIENCE_MS, (peer) => {
      book(seriesOf(peer.id === 0 ? host.peer : peer, ''), downstream, upstream);
      join(downstream, upstream);
    });
  });
}

/** A listener for connections of a pod to an address that no listener of the proxy knows. */
export function passThroughOutbound(context: OutboundContext, address: string, port: number): Server {
  return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (downstream) => {
    downstream.on('error', () => undefined);
    const forbidden = context.config.unknownHosts === 'registry-only';
    const cluster = forbidden ? 'BlackHoleCluster' : 'PassthroughCluster';
    const seriesOf = (flags: string) =>
      context.metrics.tcpSeries(`${cluster}|${flags}`, () => ({
        reporter: 'source',
        source: context.own,
        destination: unknownPeer,
        service: { host: 'unknown', name: cluster, namespace: 'unknown' },
        protocol: 'tcp',
        flags,
        security: 'unknown',
      }));
    if (forbidden) return refuse(seriesOf('UH'), downstream);
    const real = context.connect(address, port);
    if (real === undefined) return refuse(seriesOf(REFUSED), downstream);
    const upstream = connect({ host: '127.0.0.1', port: real, allowHalfOpen: true, noDelay: true });
    context.track(upstream);
    let connected = false;
    upstream.on('error', () => {
      if (!connected) refuse(seriesOf(REFUSED), downstream);
    });
    upstream.once('connect', () => {
      connected = true;
      book(seriesOf(''), downstream, upstream);
      join(downstream, upstream);
    });
  });
}

function chosenCluster(context: OutboundContext, service: TcpService): string {
  const { destinations } = service;
  return destinations?.length ? drawDestination(destinations, context.random).cluster : service.cluster;
}

/** Serves one connection that arrived for a TCP port of a pod; `source` is what the caller's sidecar told. */
export function serveTcp(context: InboundContext, port: number, downstream: Socket, source: Peer): void {
  const { service } = context.port(port);
  const real = context.local(port);
  const seriesOf = (flags: string) =>
    context.metrics.tcpSeries(`${source.id}|${service.host}|${flags}`, () => ({
      reporter: 'destination',
      source,
      destination: context.own,
      service,
      protocol: 'tcp',
      flags,
      security: source.principal === 'unknown' ? 'none' : 'mutual_tls',
    }));
  if (real === undefined) {
    refuse(seriesOf(REFUSED), downstream);
    return;
  }
  const upstream = connect({ host: '127.0.0.1', port: real, allowHalfOpen: true, noDelay: true });
  let connected = false;
  upstream.on('error', () => {
    if (!connected) refuse(seriesOf(REFUSED), downstream);
  });
  upstream.once('connect', () => {
    connected = true;
    if (source.id !== 0) sendPeer(downstream, context.told);
    book(seriesOf(''), downstream, upstream);
    join(downstream, upstream);
  });
}
