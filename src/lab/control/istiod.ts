import type { RequestListener } from 'node:http';
import type { Distribution } from './distribution.js';

const VERSION = '1.31.0';

/** The four discovery types that `proxy-status` shows, as `/debug/syncz` names them. */
const TYPES = ['cluster', 'listener', 'route', 'endpoint'] as const;

/** istiod's ports that tools read: 8080 `/ready`, 15014 `/debug/syncz` and `/metrics`. */
export function istiodListener(distribution: Pick<Distribution, 'syncStates'>): RequestListener {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    const answer = (status: number, type: string, text: string) => {
      const body = Buffer.from(text);
      response.writeHead(status, { 'content-type': type, 'content-length': body.length });
      response.end(body);
    };
    switch (path) {
      case '/ready':
        return answer(200, 'text/plain', '');
      case '/debug/syncz':
        return answer(200, 'application/json', `${JSON.stringify(syncz(distribution), undefined, 2)}\n`);
      case '/debug/registryz':
        return answer(200, 'application/json', '[]\n');
      case '/version':
        return answer(200, 'text/plain', VERSION);
      case '/metrics':
        return answer(
          200,
          'text/plain; version=0.0.4',
          `# TYPE istio_build gauge\nistio_build{component="pilot",tag="${VERSION}"} 1\n# TYPE pilot_xds gauge\npilot_xds{version="${VERSION}"} ${distribution.syncStates().length}\n`,
        );
      default:
        return answer(404, 'text/plain', 'not found\n');
    }
  };
}

/** A type is SYNCED when the proxy has acknowledged what was sent last, else STALE. */
function syncz(distribution: Pick<Distribution, 'syncStates'>): object[] {
  return distribution.syncStates().map(({ proxy, sent, acked }) => ({
    cluster_id: 'Kubernetes',
    proxy,
    proxy_type: 'sidecar',
    istio_version: VERSION,
    ...Object.fromEntries(
      TYPES.flatMap((type) => [
        [`${type}_sent`, `v${sent}`],
        [`${type}_acked`, `v${acked}`],
        [`${type}_status`, sent === acked ? 'SYNCED' : 'STALE'],
      ]),
    ),
  }));
}
