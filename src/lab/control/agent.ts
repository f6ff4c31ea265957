import type { RequestListener, ServerResponse } from 'node:http';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const OPEN_METRICS = 'application/openmetrics-text';
/** How long an application may take where the scraper does not say how long it waits; ms. */
const PATIENCE_MS = 10_000;

export interface AgentSource {
  /** The proxy's own metrics. @throws Error while the proxy is not up. */
  readonly proxyMetrics: () => string | Promise<string>;
  readonly ready: () => boolean;
  /** Where the pod's application serves metrics of its own; undefined: it does not, or is not up. */
  readonly application: () => string | undefined;
}

export function answer(response: ServerResponse, status: number, type: string, body: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length });
  response.end(bytes);
}

/**
 * What Istio's agent beside a proxy serves: on 15020 the proxy's metrics and, behind them, the application's, on 15021 whether the proxy is
 * ready. An application that does not answer is left out. While the proxy is not up there is no page: a scrape that fails says so, an
 * empty one would say that all counters are gone.
 */
export function agentListener({ proxyMetrics, ready, application }: AgentSource): RequestListener {
  return async (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (path === '/healthz/ready') return answer(response, ready() ? 200 : 503, 'text/plain', '');
    if (path !== '/stats/prometheus' && path !== '/metrics') return answer(response, 404, 'text/plain', 'not found\n');
    const seconds = Number(request.headers['x-prometheus-scrape-timeout-seconds']);
    const patienceMs = seconds > 0 ? seconds * 1000 : PATIENCE_MS;
    try {
      const [proxy, app] = await Promise.all([proxyMetrics(), applicationMetrics(application(), patienceMs)]);
      // Last, since an OpenMetrics page ends with a line that says so.
      answer(response, 200, app?.type ?? METRICS_TYPE, proxy + (app?.page ?? ''));
    } catch (error) {
      answer(response, 503, 'text/plain', `${error instanceof Error ? error.message : error}\n`);
    }
  };
}

/** The proxy's own port for metrics (15090). */
export const proxyMetricsListener = (source: Pick<AgentSource, 'proxyMetrics' | 'ready'>): RequestListener =>
  agentListener({ ...source, application: () => undefined });

async function applicationMetrics(
  url: string | undefined,
  patienceMs: number,
): Promise<{ page: string; type: string } | undefined> {
  if (url === undefined) return undefined;
  try {
    const found = await fetch(url, { headers: { accept: METRICS_TYPE }, signal: AbortSignal.timeout(patienceMs) });
    const page = await found.text();
    if (found.status !== 200) return undefined;
    const type = found.headers.get('content-type') ?? '';
    return { page, type: type.startsWith(OPEN_METRICS) ? type : METRICS_TYPE };
  } catch {
    return undefined;
  }
}
