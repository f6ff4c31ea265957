import { extension, type Message } from './proto.js';
import { type Labels, tags } from './statsLabels.js';

/** Istio's names begin like this. */
const SCOPE = { prefix: 'istio' };

const statsLogger = (fields: Message): Message =>
  extension('envoy.access_loggers.stats', 'extensions.access_loggers.stats.v3.Config', {
    stats_scope: SCOPE,
    ...fields,
  });

/** Istio's metrics of requests, counted when a request has ended. */
export function requestLog(labels: Labels): Message[] {
  const stat = (name: string): Message => ({ name, tags: tags(labels) });
  return [
    statsLogger({
      counters: [{ stat: stat('requests_total'), value_fixed: 1 }],
      histograms: [
        { stat: stat('request_duration_milliseconds'), unit: 'Milliseconds', value_format: '%DURATION%' },
        { stat: stat('request_bytes'), unit: 'Bytes', value_format: '%DOWNSTREAM_WIRE_BYTES_RECEIVED%' },
        { stat: stat('response_bytes'), unit: 'Bytes', value_format: '%DOWNSTREAM_WIRE_BYTES_SENT%' },
      ],
    }),
  ];
}

const at = (...types: string[]): Message => ({ log_type_filter: { types } });
const ENDED = at('TcpConnectionEnd');
const FAILED = { and_filter: { filters: [ENDED, { response_flag_filter: {} }] } };

/** Istio's metrics of byte connections: opened as they connect (or fail to), the rest as they end. */
export function connectionLog(labels: Labels): Message[] {
  const stat = (name: string): Message => ({ name, tags: tags(labels) });
  const opened = { counters: [{ stat: stat('tcp_connections_opened_total'), value_fixed: 1 }] };
  return [
    { ...statsLogger(opened), filter: at('TcpUpstreamConnected') },
    {
      ...statsLogger({
        counters: [
          { stat: stat('tcp_connections_closed_total'), value_fixed: 1 },
          { stat: stat('tcp_sent_bytes_total'), value_format: '%BYTES_SENT%' },
          { stat: stat('tcp_received_bytes_total'), value_format: '%BYTES_RECEIVED%' },
        ],
      }),
      filter: ENDED,
    },
    { ...statsLogger(opened), filter: FAILED },
  ];
}
