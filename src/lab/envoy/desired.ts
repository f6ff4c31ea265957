import type { KubeObject } from '../../base/kubernetes.js';
import { authorizationOf } from '../../mesh/authorization.js';
import type { ProxyConfig } from '../../mesh/types.js';
import type { Identity } from '../control/identity.js';
import { type InboundPort, inboundPort, passthroughPort, targetPorts } from '../control/inboundPorts.js';
import type { PodNetwork } from '../control/network.js';
import { inboundClusterName, renderClusters } from './clusters.js';
import { renderAssignment, renderInboundAssignment } from './endpoints.js';
import { inboundListenerName, renderInboundListener } from './inboundListeners.js';
import { httpListener, type OutboundListener, outboundListeners, renderOutboundListener } from './outboundListeners.js';
import type { Message } from './proto.js';
import { renderRouteTables } from './routes.js';

/** Everything that one proxy shall run, by name. */
export interface Desired {
  readonly listeners: ReadonlyMap<string, Message>;
  readonly clusters: ReadonlyMap<string, Message>;
  readonly tables: ReadonlyMap<string, Message>;
  readonly assignments: ReadonlyMap<string, Message>;
  readonly outbound: readonly OutboundListener[];
  /** Ports of the pod that take connections. */
  readonly inbound: ReadonlyMap<number, InboundPort>;
}

export interface DesiredInput {
  readonly config: ProxyConfig;
  /** The cluster's objects that the configuration was compiled from. */
  readonly objects: readonly KubeObject[];
  readonly pod: KubeObject;
  readonly own: Identity;
  readonly told: Identity;
  /** Ports that the pod declares. */
  readonly appPorts: readonly number[];
  readonly localPort: (port: number) => number | undefined;
  readonly network: PodNetwork;
  /** What ran before: its HTTP listeners stay, and a port's protocol changes only from or to bytes. */
  readonly before: Desired | undefined;
}

/** What a proxy shall run, from the objects of the cluster and the places of this machine. */
export function desired(input: DesiredInput): Desired {
  const { config, own, told, network, localPort } = input;
  const inbound = inboundPorts(input);
  const authorization = authorizationOf(input.objects, input.pod);
  const outbound = keepHttp(outboundListeners(config), input.before?.outbound ?? []);
  const httpPorts = outbound.flatMap((listener) => (listener.kind === 'http' ? [listener.port] : []));
  return {
    outbound,
    inbound,
    listeners: new Map([
      ...outbound.map((listener) => [listener.name, renderOutboundListener(listener, own)] as const),
      ...[...inbound].map(
        ([port, { protocol }]) =>
          [inboundListenerName(port), renderInboundListener(port, protocol, { own, told, authorization })] as const,
      ),
    ]),
    clusters: renderClusters(config, new Map([...inbound].map(([port, { service }]) => [port, service])), told),
    tables: renderRouteTables(config, httpPorts, told),
    assignments: new Map([
      ...Object.values(config.clusters)
        .filter(({ balancing }) => balancing !== 'original-dst')
        .map((cluster) => [cluster.name, renderAssignment(cluster, network)] as const),
      ...[...inbound.keys()].map((port) => {
        const name = inboundClusterName(port);
        return [name, renderInboundAssignment(name, localPort(port))] as const;
      }),
    ]),
  };
}

function inboundPorts({ appPorts, objects, pod, own, before }: DesiredInput): Map<number, InboundPort> {
  const ports = new Map<number, InboundPort>();
  // A port need not be declared to be open: what a Service expects of the pod gets its listener when it is known.
  for (const port of new Set([...appPorts, ...targetPorts(objects, pod), ...(before?.inbound.keys() ?? [])])) {
    const found = inboundPort(objects, pod, port) ?? passthroughPort(own);
    const old = before?.inbound.get(port)?.protocol;
    // A listener that detects HTTP serves a declared port as well; to replace it would cut its connections.
    const protocol = found.protocol === 'http' && old === 'detect' ? 'detect' : found.protocol;
    ports.set(port, { ...found, protocol });
  }
  return ports;
}

function keepHttp(wanted: readonly OutboundListener[], before: readonly OutboundListener[]): OutboundListener[] {
  const names = new Set(wanted.map(({ name }) => name));
  const kept = before.filter((listener) => listener.kind === 'http' && !names.has(listener.name));
  return [...kept.map(({ port }) => httpListener(port)), ...wanted];
}
