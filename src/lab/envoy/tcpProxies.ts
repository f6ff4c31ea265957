import { any, type Message } from './proto.js';

/** The network filter that passes bytes on. @param target `cluster` or `weighted_clusters`. */
export const tcpProxy = (prefix: string, target: Message, log: readonly Message[]): Message => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: any('extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: prefix,
    ...target,
    access_log: log,
    access_log_options: { flush_access_log_on_connected: true },
    idle_timeout: '0s',
  }),
});
