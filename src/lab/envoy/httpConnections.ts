import { any, extension, type Message } from './proto.js';

const router = (): Message => extension('envoy.filters.http.router', 'extensions.filters.http.router.v3.Router');

/** The network filter that serves HTTP, with the settings that istiod gives a sidecar. */
export function httpConnectionManager(fields: {
  /** Names its statistics. */
  readonly prefix: string;
  /** `rds` or `route_config`. */
  readonly routes: Message;
  /** Before the router. */
  readonly filters: readonly Message[];
  readonly log: readonly Message[];
  readonly side: 'outbound' | 'inbound';
  /** Header lines of a 403 that a filter gives; default none. */
  readonly denied?: readonly Message[];
}): Message {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: any('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
      stat_prefix: fields.prefix,
      ...fields.routes,
      http_filters: [...fields.filters, router()],
      access_log: fields.log,
      server_name: 'istio-envoy',
      ...(fields.side === 'inbound' ? { server_header_transformation: 'PASS_THROUGH' } : {}),
      ...(fields.denied ? { local_reply_config: withLines(fields.denied) } : {}),
      use_remote_address: false,
      preserve_external_request_id: true,
      stream_idle_timeout: '0s',
      normalize_path: true,
      upgrade_configs: [{ upgrade_type: 'websocket' }],
    }),
  };
}

const withLines = (lines: readonly Message[]): Message => ({
  mappers: [
    {
      filter: {
        status_code_filter: { comparison: { op: 'EQ', value: { default_value: 403, runtime_key: 'denied' } } },
      },
      headers_to_add: lines,
    },
  ],
});
