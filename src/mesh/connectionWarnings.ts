import { isAddress } from '../base/addresses.js';
import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { serversOf } from './gatewayServers.js';
import { records, texts } from './read.js';
import { tlsRouteFor } from './serverNames.js';
import type { Service, ServicePort } from './services.js';
import type { MeshWarning, TcpService } from './types.js';
import { gatewaysOf } from './virtualServices.js';
import type { WarningInput } from './warningInput.js';

/** `tcp` and `tls` rules that do not do what they seem to say. */
export function connectionWarnings(input: WarningInput): MeshWarning[] {
  if (input.caller.gateway) return ignoredAtGateway(input);
  const rules = [...input.owners.services].flatMap(([fqdn, objects]) => {
    const service = input.scope.services.get(fqdn);
    return service ? objects.flatMap((object) => ignoredByPorts(object, service)) : [];
  });
  const tcp = input.config.ports.flatMap((port) => port.tcp);
  return [...rules, ...tcp.flatMap(sameNames), ...tcp.flatMap(unnamed)];
}

const has = (object: KubeObject, section: string): boolean => records(object.spec?.[section]).length > 0;

const portsText = (ports: readonly ServicePort[]): string =>
  ports.map(({ port, name }) => `${port} ${name || 'without name'}`).join(', ');

function ignoredByPorts(object: KubeObject, service: Service): MeshWarning[] {
  const { fqdn, ports } = service;
  const found: MeshWarning[] = [];
  const warn = (code: string, field: string, message: string): void => {
    found.push({ code, object: objectRef(object), field, message });
  };
  if (has(object, 'tls') && !ports.some((port) => port.tls)) {
    const message = `No port of ${fqdn} (${portsText(ports)}) is for TLS, so the tls rules are ignored; name it https-… or tls-…, or set appProtocol: https.`;
    warn('PORT_NOT_TLS', 'spec.tls', message);
  }
  if (has(object, 'tcp') && !ports.some((port) => port.protocol !== 'http' && !port.tls)) {
    const message = `No port of ${fqdn} (${portsText(ports)}) is routed as TCP, so the tcp rules are ignored; HTTP ports take http rules, ports for TLS tls rules.`;
    warn('PORT_NOT_TCP', 'spec.tcp', message);
  }
  if (service.clusterIp ?? service.entry?.addresses[0] ?? service.headless) return found;
  for (const section of ['tcp', 'tls']) {
    records(object.spec?.[section]).forEach((rule, index) => {
      records(rule.match).forEach((match, position) => {
        if (texts(match.destinationSubnets).length === 0) return;
        const field = `spec.${section}[${index}].match[${position}].destinationSubnets`;
        warn(
          'ADDRESS_UNKNOWN',
          field,
          `The address of ${fqdn} is not known here, so this match is left out; proxies take all connections of the port to these subnets by it, HTTP requests to other hosts too. Give ${fqdn} addresses.`,
        );
      });
    });
  }
  return found;
}

/** Istio passes them on, and the proxy refuses both. */
function sameNames({ host, tls = [] }: TcpService): MeshWarning[] {
  const owners = new Map<string, string>();
  return tls.flatMap(({ serverNames, source, field }) => {
    const twice = serverNames.find((name) => owners.has(name));
    for (const name of serverNames) owners.set(name, `${source} ${field}`);
    if (twice === undefined) return [];
    const message = `Envoy refuses two routes for the server name ${twice}: connections to ${host} keep their previous routes in this proxy.`;
    return [{ code: 'PROXY_REFUSES', object: source, field: `${field}.sniHosts`, message }];
  });
}

/** Names that clients may write for a Service of the cluster and that no rule takes. */
function unnamed({ host, domains, tls = [] }: TcpService): MeshWarning[] {
  const [first] = tls;
  if (!first?.source || !host.endsWith('.svc.cluster.local')) return [];
  const names = domains.filter(
    (name) => !isAddress(name) && !name.endsWith('.') && !tlsRouteFor(tls, name.toLowerCase()),
  );
  if (names.length === 0) return [];
  const message = `Clients that write ${names.join(' or ')} say so in the TLS handshake, and no tls rule has that name: their connections pass through to all ready pods of ${host}, whatever the weights; add it to hosts and sniHosts.`;
  return [{ code: 'SERVER_NAME_UNMATCHED', object: first.source, field: `${first.field}.sniHosts`, message }];
}

/** Rules of the kind that none of the servers reads that a VirtualService is bound to. */
function ignoredAtGateway({ inventory, caller }: WarningInput): MeshWarning[] {
  const servers = [...serversOf(inventory.gateways, caller).values()].flat();
  return inventory.virtualServices.flatMap((object) => {
    const bound = servers.filter(({ gateway }) => gatewaysOf(object).includes(gateway));
    if (bound.length === 0) return [];
    const place = { object: objectRef(object) };
    if (has(object, 'http') && !has(object, 'tls') && bound.every(({ passesTls }) => passesTls)) {
      const message = `The Gateway lets TLS pass (PASSTHROUGH) and reads no requests, so the http rules are ignored there; write tls rules with sniHosts, or let the Gateway end TLS (mode: SIMPLE).`;
      return [{ code: 'HTTP_RULES_IGNORED', ...place, field: 'spec.http', message }];
    }
    if (has(object, 'tls') && !bound.some(({ passesTls }) => passesTls)) {
      const message = `No server of its Gateways lets TLS pass (mode: PASSTHROUGH), so the tls rules are ignored there; write http rules, or change the mode.`;
      return [{ code: 'TLS_RULES_IGNORED', ...place, field: 'spec.tls', message }];
    }
    return [];
  });
}
