import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';
import { type Clock, systemClock } from '../../base/clock.js';
import { errorText } from '../../base/errors.js';
import type { Store } from '../control/store.js';
import type { KialiAuth } from './auth.js';
import { ClusterView } from './cluster.js';
import { Failure } from './failure.js';
import { PrometheusClient } from './prometheus.js';
import { answer, type KialiContext, makeSessions, type Reply, WEB_ROOT } from './routes.js';

export interface KialiOptions {
  readonly store: Store;
  /** Base address of the Prometheus that has the mesh's metrics. */
  readonly prometheusUrl: string;
  /** 0 (default): any free port. */
  readonly port?: number;
  /** Default anonymous. */
  readonly auth?: KialiAuth;
  readonly clock?: Clock;
  /** What the status page says; default `v1.89.0`, the release whose rules are followed. */
  readonly version?: string;
}

export interface RunningKiali {
  /** `http://127.0.0.1:40123/kiali` */
  readonly url: string;
  /** Ends connections and the port. */
  close(): Promise<void>;
}

/** Starts a server on 127.0.0.1 that answers Kiali 1.89's API from the store's objects and Prometheus' metrics. */
export async function startKiali(options: KialiOptions): Promise<RunningKiali> {
  const clock = options.clock ?? systemClock;
  const agent = new Agent({ keepAliveTimeout: 10_000 });
  const wallMs = () => clock.wallMs();
  const context: KialiContext = {
    cluster: new ClusterView(options.store),
    prometheus: new PrometheusClient(options.prometheusUrl, agent),
    sessions: makeSessions(options.auth ?? { strategy: 'anonymous' }, wallMs),
    version: options.version ?? 'v1.89.0',
    wallMs,
  };
  const server = createServer((request, response) => {
    answer(request, context)
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
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${WEB_ROOT}`,
    async close() {
      await agent.destroy();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
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

function failure(error: unknown): Reply {
  const known = error instanceof Failure ? error : new Failure(500, errorText(error));
  return { status: known.status, body: { error: known.message } };
}

function send(response: ServerResponse, { status, headers = {}, body }: Reply): void {
  if (response.destroyed) return;
  if (body === undefined) response.writeHead(status, headers).end();
  else if (typeof body === 'string')
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(body);
  else
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body, undefined, 2));
}
