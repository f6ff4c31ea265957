import type { RequestListener, ServerResponse } from 'node:http';
import { renderConfigDump } from '../../mesh/configDump.js';
import type { ProxyConfig } from '../../mesh/types.js';
import { answer, METRICS_TYPE } from '../control/agent.js';
import type { IstioMetrics } from './metrics.js';

const json = (response: ServerResponse, value: unknown) =>
  answer(response, 200, 'application/json', `${JSON.stringify(value, undefined, 1)}\n`);

export interface AdminSource {
  readonly metrics: IstioMetrics;
  /** undefined until the control plane has sent one. */
  readonly config: () => ProxyConfig | undefined;
}

/** Envoy's admin interface (port 15000), as far as tools read it. */
export function adminListener({ metrics, config }: AdminSource): RequestListener {
  return (request, response) => {
    const [path, query = ''] = (request.url ?? '/').split('?', 2);
    switch (path) {
      case '/config_dump': {
        const dump = renderConfigDump(config() ?? { ports: [], clusters: {}, warnings: [] }) as { configs: object[] };
        // As Envoy does, endpoints are told only to those who ask for them.
        const withEndpoints = new URLSearchParams(query).has('include_eds');
        const configs = dump.configs.filter(
          (section) => withEndpoints || !String((section as { '@type'?: string })['@type']).includes('Endpoints'),
        );
        return json(response, { configs });
      }
      case '/ready':
        return config()
          ? answer(response, 200, 'text/plain', 'LIVE\n')
          : answer(response, 503, 'text/plain', 'PRE_INITIALIZING\n');
      case '/stats/prometheus':
        return answer(response, 200, METRICS_TYPE, metrics.render());
      case '/clusters':
        return json(response, { cluster_statuses: clusterStatuses(config()) });
      case '/server_info':
        return json(response, { state: config() ? 'LIVE' : 'PRE_INITIALIZING', version: '1.31.0' });
      default:
        return answer(
          response,
          404,
          'text/plain',
          'invalid path. admin commands are: /config_dump /clusters /ready /server_info /stats/prometheus\n',
        );
    }
  };
}

function clusterStatuses(config: ProxyConfig | undefined): object[] {
  return Object.values(config?.clusters ?? {}).map((cluster) => ({
    name: cluster.name,
    added_via_api: true,
    host_statuses: cluster.endpoints.map((endpoint) => ({
      address: { socket_address: { address: endpoint.ip, port_value: endpoint.targetPort } },
      health_status: { eds_health_status: endpoint.ready ? 'HEALTHY' : 'UNHEALTHY' },
    })),
  }));
}
