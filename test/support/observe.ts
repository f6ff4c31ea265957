import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ScrapeTarget } from '../../src/lab/control/types.js';
import type { WatchedService } from '../../src/observe/versions.js';

export const WATCHED: WatchedService = {
  namespace: 'pitstop',
  service: 'customermanagementapi',
  from: 'webapp',
  versions: { v1: { version: 'v1' }, v2: { version: 'v2' } },
};

/** Labels of one request as Istio's proxy of that side writes them; everything can be overridden. */
export function istioLabels(side: 'source' | 'destination', version: string, extra: Record<string, string> = {}) {
  return {
    reporter: side,
    source_workload: 'webapp',
    source_workload_namespace: 'pitstop',
    source_canonical_service: 'webapp',
    source_canonical_revision: 'v1',
    destination_workload: `customermanagementapi-${version}`,
    destination_workload_namespace: 'pitstop',
    destination_canonical_service: 'customermanagementapi',
    destination_canonical_revision: version,
    destination_version: version,
    destination_app: 'customermanagementapi',
    destination_service: 'customermanagementapi.pitstop.svc.cluster.local',
    destination_service_name: 'customermanagementapi',
    destination_service_namespace: 'pitstop',
    request_protocol: 'http',
    response_code: '200',
    response_flags: '-',
    ...extra,
  };
}

/** The metrics page of one pod, served for real, with counters that the test moves. */
export class PodMetrics {
  readonly target: ScrapeTarget;
  readonly #counters = new Map<string, number>();
  readonly #server;

  private constructor(pod: string, server: ReturnType<typeof createServer>) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.target = {
      url: `http://127.0.0.1:${port}/stats/prometheus`,
      labels: { job: 'kubernetes-pods', instance: `127.0.0.1:${port}`, namespace: 'pitstop', pod },
    };
    server.on('request', (_request, response) => response.setHeader('content-type', 'text/plain').end(this.#page()));
  }

  static async start(pod: string): Promise<PodMetrics> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PodMetrics(pod, server);
  }

  add(labels: Record<string, string>, requests: number, metric = 'istio_requests_total'): void {
    const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    const text = `${metric}{${pairs.join(',')}}`;
    this.#counters.set(text, (this.#counters.get(text) ?? 0) + requests);
  }

  /** The container restarts: all counters are gone. */
  restart(): void {
    this.#counters.clear();
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #page(): string {
    return [...this.#counters]
      .map(([series, value]) => `${series} ${value}\n`)
      .sort()
      .join('');
  }
}
