import type { RequestListener } from 'node:http';
import { httpRequest } from '../../cluster/http.js';
import { answer } from './adminView.js';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const ISTIO_VERSION = '1.31.0';
const BUILD = `# TYPE istio_build gauge\nistio_build{component="proxy",tag="${ISTIO_VERSION}"} 1\n`;

/** Envoy's page of Istio's metrics under Istio's names: Envoy prefixes every name with its own. */
export const withIstioNames = (page: string): string => page.replace(/^(# TYPE )?envoy_istio_/gm, '$1istio_');

/**
 * What the agent beside a proxy serves: its metrics merged (15020), and whether it is ready (15021). While the proxy is
 * not up there is no page: a scrape that fails says so, an empty one would say that all counters are gone.
 */
export function agentView(admin: () => number | undefined, ready: () => boolean): RequestListener {
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (path === '/healthz/ready') return answer(response, ready() ? 200 : 503, 'text/plain', '');
    if (path !== '/stats/prometheus' && path !== '/metrics') return answer(response, 404, 'text/plain', 'not found\n');
    const port = admin();
    if (port === undefined) return answer(response, 503, 'text/plain', 'the proxy is not up\n');
    httpRequest(
      new URL(`http://127.0.0.1:${port}/stats/prometheus?usedonly&filter=${encodeURIComponent('^istio\\.')}`),
      {},
    ).then(
      ({ status, text }) =>
        status === 200
          ? answer(response, 200, METRICS_TYPE, withIstioNames(text) + BUILD)
          : answer(response, 503, 'text/plain', text),
      (error: unknown) => answer(response, 503, 'text/plain', `${String(error)}\n`),
    );
  };
}
