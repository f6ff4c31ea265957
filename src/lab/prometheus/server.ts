import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';
import { type Clock, sleep, systemClock } from '../../base/clock.js';
import { errorText } from '../../base/errors.js';
import type { MetricRelabelling } from '../control/faults.js';
import type { ScrapeTarget } from '../control/types.js';
import { type ApiContext, answerApi } from './api.js';
import { QueryEngine } from './engine.js';
import type { MetricMetadata } from './exposition.js';
import { BUILD, DISCOVERY_PATH, discoveryGroups, pages, prometheusConfig } from './pages.js';
import { ApiError } from './params.js';
import { relabeller } from './relabel.js';
import { storeWrite } from './remoteWrite.js';
import { Storage } from './storage.js';
import { TargetManager } from './targets.js';

export interface PrometheusOptions {
  /** What is to be scraped now; asked again several times per interval. */
  readonly targets: () => ScrapeTarget[];
  /** ms, >= 10. */
  readonly scrapeIntervalMs: number;
  /** ms, default 10 s, as the mesh's add-on has it. Other than in a real Prometheus it may be longer than the interval: on a busy
   * machine a late page is worth more than none. */
  readonly scrapeTimeoutMs?: number;
  /** 0 (default): any free port. */
  readonly port?: number;
  readonly clock?: Clock;
  /** ms, default 30 min. Ignored when a storage is given. */
  readonly retentionMs?: number;
  /** Samples to start from and to add to; default an empty one. */
  readonly storage?: Storage;
  /** Of every sample, before it is stored; default none. */
  readonly metricRelabelling?: readonly MetricRelabelling[];
}

export interface RunningPrometheus {
  /** `http://127.0.0.1:40123` */
  readonly url: string;
  readonly storage: Storage;
  /** Configuration with which a real Prometheus scrapes the same targets, as they come and go while this server runs. */
  scrapeConfig(): string;
  /** Ends scrapes, connections and the port. */
  close(): Promise<void>;
}

const DEFAULT_RETENTION_MS = 30 * 60_000;
const SCRAPE_TIMEOUT_MS = 10_000;
const BODY_LIMIT = 10 * 1024 * 1024;

/** Starts a Prometheus-compatible server on 127.0.0.1 that scrapes the targets and answers the HTTP API of release 2.42. */
export async function startPrometheus(options: PrometheusOptions): Promise<RunningPrometheus> {
  const clock = options.clock ?? systemClock;
  const retentionMs = options.retentionMs ?? DEFAULT_RETENTION_MS;
  const intervalMs = options.scrapeIntervalMs;
  const timeoutMs = options.scrapeTimeoutMs ?? SCRAPE_TIMEOUT_MS;
  const storage = options.storage ?? new Storage({ retentionMs });
  const metadata = new Map<string, MetricMetadata>();
  const agent = new Agent({ connections: 1, pipelining: 1, keepAliveTimeout: 60_000 });
  const manager = new TargetManager(options.targets, {
    storage,
    clock,
    agent,
    intervalMs,
    timeoutMs,
    metadata,
    relabel: relabeller(options.metricRelabelling ?? []),
  });
  let url = '';
  const config = () => prometheusConfig(url, intervalMs, timeoutMs, options.metricRelabelling);
  const context: ApiContext = {
    storage,
    engine: new QueryEngine(storage, clock),
    metadata,
    wallMs: () => clock.wallMs(),
    pages: pages({
      states: () => manager.states,
      config,
      storage,
      intervalMs,
      timeoutMs,
      retentionMs,
      startedMs: clock.wallMs(),
    }),
  };
  const server = createServer((request, response) => {
    answer(request, context, options.targets)
      .catch(failure)
      .then((reply) => send(response, reply))
      .catch(() => response.destroy());
  });
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  try {
    await listen(server, options.port ?? 0);
  } catch (error) {
    await agent.destroy();
    throw error;
  }

  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stopping = new AbortController();
  const watching = watchTargets(manager, clock, intervalMs, stopping.signal);
  return {
    url,
    storage,
    scrapeConfig: config,
    async close() {
      stopping.abort();
      await watching;
      await manager.stop();
      await agent.destroy();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function watchTargets(
  manager: TargetManager,
  clock: Clock,
  intervalMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      manager.reconcile();
    } catch {
      // Whoever names the targets may be between two states; the ones known go on being scraped.
    }
    await sleep(clock, Math.min(500, intervalMs / 4), signal);
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

interface Reply {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain; charset=utf-8';
  readonly body: string;
}

const json = (status: number, value: unknown): Reply => ({
  status,
  type: 'application/json',
  body: JSON.stringify(value),
});
const text = (status: number, body: string): Reply => ({ status, type: 'text/plain; charset=utf-8', body });

function send(response: ServerResponse, reply: Reply): void {
  if (response.destroyed) return;
  response.writeHead(reply.status, { 'content-type': reply.type, 'access-control-allow-origin': '*' });
  response.end(reply.body);
}

function failure(error: unknown): Reply {
  const known = error instanceof ApiError ? error : new ApiError('internal', errorText(error));
  return json(known.status, { status: 'error', errorType: known.errorType, error: known.message });
}

async function answer(
  request: IncomingMessage,
  context: ApiContext,
  targets: PrometheusOptions['targets'],
): Promise<Reply> {
  const queryAt = (request.url ?? '/').indexOf('?');
  const path = queryAt < 0 ? (request.url ?? '/') : (request.url ?? '').slice(0, queryAt);
  const method = request.method ?? 'GET';
  if (path === '/-/ready') return text(200, 'Prometheus Server is Ready.\n');
  if (path === '/-/healthy') return text(200, 'Prometheus Server is Healthy.\n');
  if (path === '/version') return json(200, BUILD);
  if (path === DISCOVERY_PATH) return json(200, discoveryGroups(targets()));
  if (path === '/') return text(200, 'The HTTP API is below /api/v1.\n');
  if (!path.startsWith('/api/v1/')) return text(404, '404 page not found\n');
  if (!['GET', 'POST', 'HEAD'].includes(method)) return text(405, 'Method Not Allowed\n');
  if (path === '/api/v1/write') {
    if (method !== 'POST') return text(405, 'Method Not Allowed\n');
    const written = storeWrite(await bodyOf(request), context.storage);
    return text(written.status, written.text);
  }
  const params = new URLSearchParams(queryAt < 0 ? '' : (request.url ?? '').slice(queryAt + 1));
  if (method === 'POST') {
    const form = await formOf(request);
    for (const name of new Set(form.keys())) params.delete(name);
    for (const [name, value] of form) params.append(name, value);
  }
  const data = await answerApi(path.slice('/api/v1/'.length), params, context);
  return data === undefined ? text(404, '404 page not found\n') : json(200, { status: 'success', data });
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new ApiError('bad_data', `error parsing form values: http: request body too large`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The fields of a form body; a body of another type is no parameters. */
async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const body = await bodyOf(request);
  const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return new URLSearchParams(isForm ? body.toString('utf8') : '');
}
