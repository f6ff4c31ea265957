import { type RouteTable, renderTables } from '../../mesh/renderConfigDump.js';
import type { ProxyConfig } from '../../mesh/types.js';
import type { Identity } from '../control/identity.js';
import { BLACK_HOLE, PASSTHROUGH } from './clusters.js';
import { tellIdentity } from './identityHeaders.js';
import { any, type Message } from './proto.js';

/** The route tables by name. @param ports those whose listeners exist, whether or not a Service is left on them. */
export function renderRouteTables(config: ProxyConfig, ports: Iterable<number>, told: Identity): Map<string, Message> {
  const own = { request_headers_to_add: tellIdentity(told) };
  const tables = new Map<string, Message>();
  const add = (table: RouteTable, rest: readonly Message[]) =>
    tables.set(table.name, {
      ...table,
      virtual_hosts: [...table.virtual_hosts.map((host) => ({ ...host, ...own })), ...rest],
    });
  const others = unknownHost(config.unknownHosts, told);
  for (const table of renderTables(config)) {
    const takesAll = table.virtual_hosts.some(({ domains }) => domains.includes('*'));
    add(table, takesAll ? [] : others);
  }
  for (const port of ports) {
    const name = String(port);
    if (!tables.has(name)) tables.set(name, any('config.route.v3.RouteConfiguration', { name, virtual_hosts: others }));
  }
  return tables;
}

/** What becomes of a host that no Service of the port has: passed on as it was dialled, or refused. */
function unknownHost(policy: ProxyConfig['unknownHosts'] = 'allow-any', told: Identity): Message[] {
  if (policy === 'not-found') return [];
  const forbidden = policy === 'registry-only';
  const action = forbidden ? { direct_response: { status: 502 } } : { route: { cluster: PASSTHROUGH, timeout: '0s' } };
  return [
    {
      name: forbidden ? 'block_all' : 'allow_any',
      domains: ['*'],
      routes: [
        {
          name: forbidden ? 'block_all' : 'allow_any',
          match: { prefix: '/' },
          ...action,
          metadata: { filter_metadata: { weighbridge: { service: forbidden ? BLACK_HOLE : PASSTHROUGH } } },
        },
      ],
      request_headers_to_add: tellIdentity(told, true),
    },
  ];
}
