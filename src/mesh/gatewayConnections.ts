import { namespaceOf, objectRef } from '../base/kubernetes.js';
import { type TableContext, tablePart } from './context.js';
import { type GatewayServer, servedAs } from './gatewayServers.js';
import { gatewayRef } from './matches.js';
import { type Fields, number, records, texts } from './read.js';
import type { ConnectionRule } from './tcpRoutes.js';
import type { TcpService, TlsRoute } from './types.js';
import { type RuleContext, weightedDestinations } from './virtualServiceRoutes.js';
import { gatewaysOf, hostsOf } from './virtualServices.js';

/**
 * What becomes of the connections that a gateway takes on a port without looking at requests: of servers that let TLS pass the `tls` rules
 * of all VirtualServices bound to them, of the others the first `tcp` rule. Nothing: no server has a rule, and the port stays closed.
 */
export function gatewayConnections(
  port: number,
  servers: readonly GatewayServer[],
  context: TableContext,
): TcpService[] {
  const tls: TlsRoute[] = [];
  let open: Pick<ConnectionRule, 'destinations' | 'source'> | undefined;
  for (const server of servers) {
    const routes = server.passesTls ? passedRoutes(port, server, context) : acceptedRoutes(port, server, context);
    for (const route of routes) {
      // Two routes of one name would be refused by the proxy: Istio leaves out the later one.
      const taken = route.serverNames.some((name) => tls.some((other) => other.serverNames.includes(name)));
      if (!server.encrypted) open ??= { destinations: route.destinations, source: route.source };
      else if (!taken) tls.push(route);
    }
  }
  if (tls.length === 0 && !open) return [];
  const service = { host: '', domains: [], cluster: '', anyAddress: true };
  return [{ ...service, ...(tls.length > 0 ? { tls } : {}), ...open }];
}

function passedRoutes(port: number, server: GatewayServer, context: TableContext): TlsRoute[] {
  return rulesFor(port, server, context, 'tls', (rule, matches) =>
    matches.map(({ match, position }) => ({
      ...rule,
      serverNames: texts(match.sniHosts).map((name) => name.toLowerCase()),
      field: `${rule.field}.match[${position}]`,
    })),
  );
}

/** Behind a server that ends TLS, or has none: the first rule alone. */
function acceptedRoutes(port: number, server: GatewayServer, context: TableContext): TlsRoute[] {
  const names = server.hosts.map((host) => host.slice(host.indexOf('/') + 1).toLowerCase());
  return rulesFor(port, server, context, 'tcp', (rule) => [{ ...rule, serverNames: names }]).slice(0, 1);
}

interface AppliedMatch {
  readonly match: Fields;
  readonly position: number;
}

function rulesFor(
  port: number,
  server: GatewayServer,
  context: TableContext,
  section: 'tls' | 'tcp',
  make: (rule: Omit<TlsRoute, 'serverNames'>, matches: readonly AppliedMatch[]) => TlsRoute[],
): TlsRoute[] {
  const place = { port, gateways: [server.gateway] };
  return context.scope.virtualServices.flatMap((object) => {
    if (!gatewaysOf(object).includes(server.gateway)) return [];
    if (!hostsOf(object).some((host) => servedAs(host, object, server).length > 0)) return [];
    const kind = `gateway ${port} ${section} ${server.gateway} ${server.name}`;
    return tablePart(context, place, kind, objectRef(object), [object], (rules) =>
      records(object.spec?.[section]).flatMap((fields, index) => {
        const field = `spec.${section}[${index}]`;
        const destinations = weightedDestinations({ fields, object, field }, rules);
        const matches = records(fields.match);
        const applied = matches
          .map((match, position) => ({ match, position }))
          .filter(({ match }) => appliesAtGateway(match, rules, namespaceOf(object)));
        if (destinations.length === 0 || (matches.length > 0 && applied.length === 0)) return [];
        return make({ destinations, source: objectRef(object), field }, applied);
      }),
    );
  });
}

/** A gateway asks for port and gateway only: it does not know where a connection comes from. */
function appliesAtGateway(match: Fields, { port, gateways }: RuleContext, namespace: string): boolean {
  const named = texts(match.gateways).map((name) => gatewayRef(name, namespace));
  const wanted = number(match.port);
  return (!wanted || wanted === port) && (named.length === 0 || named.some((name) => gateways.includes(name)));
}
