import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../base/clock.js';
import { sleep } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import type { AppBehaviour } from '../../scenario/types.js';
import { METRICS_TYPE } from '../control/agent.js';
import { type AppHandler, type AppResponse, json } from './app.js';
import { AppMetrics } from './appMetrics.js';
import { drawLatency } from './behaviour.js';

/** Forms and records are small; anything longer is refused. */
const MAX_BODY_BYTES = 256 * 1024;

export interface AppServerOptions {
  readonly handler: AppHandler;
  readonly behaviour: Pick<Required<AppBehaviour>, 'latency' | 'errors' | 'errorStatus'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Path of its metrics, served at once; default: it has none. */
  readonly metricsPath?: string | undefined;
}

/** An application's process: every request takes its latency, some fail as the behaviour says, the rest are handled. */
export class AppServer {
  private readonly options: AppServerOptions;
  private readonly metrics: AppMetrics | undefined;
  private readonly server: Server;

  constructor(options: AppServerOptions) {
    this.options = options;
    if (options.metricsPath !== undefined) this.metrics = new AppMetrics(options.clock.wallMs());
    // Idle connections stay open: the sidecar closes them first, so that no request meets a closing one.
    this.server = createServer({ keepAliveTimeout: 3_600_000, requestTimeout: 0, noDelay: true }, (request, response) =>
      this.receive(request, response),
    );
  }

  /** @returns the real port. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
        this.server.off('error', reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.server.listening) return resolve();
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const { metrics } = this;
    if (metrics) {
      if (request.url?.split('?', 1)[0] === this.options.metricsPath)
        return void write(response, { status: 200, headers: { 'content-type': METRICS_TYPE }, body: metrics.render() });
      response.on('finish', () => metrics.count(request.method ?? '', response.statusCode));
    }
    if (request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined) {
      void this.serve(request, response, '');
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    });
    request.on('end', () => {
      if (bytes > MAX_BODY_BYTES)
        return write(response, json(413, { error: `The body is longer than ${MAX_BODY_BYTES} bytes.` }));
      void this.serve(request, response, Buffer.concat(chunks).toString());
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const { behaviour, clock, random } = this.options;
    const latency = drawLatency(behaviour.latency, random);
    if (latency > 0) await sleep(clock, latency);
    if (behaviour.errors > 0 && random() < behaviour.errors)
      return write(
        response,
        json(behaviour.errorStatus, { error: 'This share of the requests fails by configuration.' }),
      );
    try {
      write(response, await this.handle(request, body));
    } catch {
      write(response, json(500, { error: 'The application failed.' }));
    }
  }

  private handle(request: IncomingMessage, body: string): AppResponse | Promise<AppResponse> {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = decodePath(mark < 0 ? url : url.slice(0, mark));
    if (path === undefined) return json(400, { error: 'The path is not valid.' });
    return this.options.handler({
      method: request.method ?? 'GET',
      path,
      query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
      headers: request.headers,
      body,
    });
  }
}

function decodePath(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function write(response: ServerResponse, { status, headers, body }: AppResponse): void {
  if (response.destroyed || response.headersSent) return;
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  response.end(bytes);
}
