import { expandHost, type KubeObject, labelsMatch, namespaceOf } from '../base/kubernetes.js';
import { GATEWAY_NAME } from './kubernetesGateway.js';
import { labels, number, record, records, text, texts } from './read.js';
import { hostMatches } from './services.js';
import type { Caller } from './types.js';

/** A server of a Gateway that selects the proxy. */
export interface GatewayServer {
  /** `namespace/name` */
  readonly gateway: string;
  readonly namespace: string;
  /** Of its port. */
  readonly name: string;
  readonly hosts: readonly string[];
  /** It reads requests: plain ones, or after it has ended their TLS. */
  readonly http: boolean;
  /** Its connections are encrypted. */
  readonly encrypted: boolean;
  /** It leaves the encryption to the destination, and reads only the server name. */
  readonly passesTls: boolean;
  /** Every request is sent to https. */
  readonly redirects: boolean;
}

/** Whether pods with these labels are a gateway: a Gateway selects them, or they were made for one of the Gateway API. */
export const isGateway = (objects: readonly KubeObject[], own: Readonly<Record<string, string>>): boolean =>
  own[GATEWAY_NAME] !== undefined ||
  objects.some(({ kind, spec }) => {
    const selector = { ...labels(spec?.selector) };
    return kind === 'Gateway' && Object.keys(selector).length > 0 && labelsMatch(selector, { ...own });
  });

const HTTP_PROTOCOLS = new Set(['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB']);

/** By port the servers of the Gateways that select a workload. */
export function serversOf(gateways: readonly KubeObject[], caller: Caller): ReadonlyMap<number, GatewayServer[]> {
  const servers = new Map<number, GatewayServer[]>();
  for (const gateway of gateways) {
    if (!labelsMatch({ ...labels(gateway.spec?.selector) }, { ...caller.labels })) continue;
    const namespace = namespaceOf(gateway);
    for (const fields of records(gateway.spec?.servers)) {
      const port = number(record(fields.port).number);
      if (port === undefined) continue;
      const protocol = (text(record(fields.port).protocol) ?? '').toUpperCase();
      const tls = record(fields.tls);
      const mode = text(tls.mode) ?? 'PASSTHROUGH';
      const plain = HTTP_PROTOCOLS.has(protocol);
      // AUTO_PASSTHROUGH reads Istio's own server names, which only other gateways send.
      if (!plain && mode === 'AUTO_PASSTHROUGH') continue;
      const encrypted = protocol === 'HTTPS' || protocol === 'TLS';
      const passesTls = encrypted && mode === 'PASSTHROUGH';
      const server = {
        gateway: `${namespace}/${gateway.metadata.name}`,
        namespace,
        name: text(record(fields.port).name) ?? '',
        hosts: texts(fields.hosts),
        http: plain || (protocol === 'HTTPS' && !passesTls),
        encrypted,
        passesTls,
        redirects: tls.httpsRedirect === true,
      };
      servers.set(port, [...(servers.get(port) ?? []), server]);
    }
  }
  return servers;
}

/** The narrower of the two hosts where the server allows the VirtualService's namespace and the names overlap. */
export function servedAs(host: string, object: KubeObject, server: GatewayServer): string[] {
  const namespace = namespaceOf(object);
  for (const entry of server.hosts) {
    const slash = entry.indexOf('/');
    const owner = slash < 0 ? '*' : entry.slice(0, slash) === '.' ? server.namespace : entry.slice(0, slash);
    const name = expandHost(entry.slice(slash + 1), server.namespace);
    if (owner !== '*' && owner !== namespace) continue;
    if (hostMatches(name, host)) return [host];
    if (hostMatches(host, name)) return [name];
  }
  return [];
}
