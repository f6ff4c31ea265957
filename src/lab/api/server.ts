import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { stringify } from 'yaml';
import { EnvironmentError, errorText } from '../../base/errors.js';
import { KindTable } from '../control/kinds.js';
import type { Store } from '../control/store.js';
import type { ResolvePodPort } from '../control/types.js';
import { type Admission, istioAdmission } from './admission.js';
import { mediaType, parseBody, readBody } from './body.js';
import { type ApiContext, type ApiRequest, type ApiResponse, timestamp } from './context.js';
import { discovery } from './discovery.js';
import { dispatch } from './dispatch.js';
import { EventLog } from './eventlog.js';
import { kubeconfigText } from './kubeconfig.js';
import { acceptPortForward } from './portforward.js';
import { proxyRequest } from './proxy.js';
import { review } from './reviews.js';
import { ApiStatusError, unknownPath } from './status.js';
import { parseTarget } from './target.js';
import { watch } from './watch.js';

export interface ApiServerOptions {
  readonly store: Store;
  /** 0 (default): any free port of 127.0.0.1. */
  readonly port?: number;
  /** Where the ports of pods really listen. */
  readonly resolvePodPort: ResolvePodPort;
  /** Looks at every object before it is stored; default: what Istio's webhook and CRDs refuse. */
  readonly admission?: Admission;
  /** When given, requests without this bearer token get 401. kubectl sends no token over plain HTTP, so the lab sets none. */
  readonly token?: string;
  /** What `kubectl logs` shows; default nothing. */
  readonly podLog?: ApiContext['podLog'];
  /** Wall clock; default the system's. */
  readonly now?: () => Date;
}

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  /** YAML of a kubeconfig with the current context `weighbridge-lab` and the namespace `default`. */
  kubeconfig(): string;
  /** Ends watches and forwarded connections and frees the port. */
  close(): Promise<void>;
}

/** The path without the query, and the query; paths are never resolved, `..` names nothing. */
function split(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const at = url.indexOf('?');
  return at < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Omit<ApiResponse, 'body'> & { readonly body: ApiResponse['body'] | Buffer; readonly contentType?: string },
): void {
  if (response.headersSent || response.destroyed) return;
  const accept = request.headers.accept ?? '';
  const { body } = answer;
  const whole = typeof body === 'string' || Buffer.isBuffer(body);
  const yaml = !whole && mediaType(accept).endsWith('/yaml');
  const text = whole ? body : yaml ? stringify(body) : `${JSON.stringify(body)}\n`;
  const plain = whole ? 'text/plain; charset=utf-8' : 'application/json';
  const warnings = [...new Set(answer.warnings ?? [])].map(
    (warning) => `299 - ${JSON.stringify(warning).replace(/[^\x20-\x7e]/g, '?')}`,
  );
  response.writeHead(answer.status, {
    'Content-Type': answer.contentType ?? (yaml ? 'application/yaml' : plain),
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-cache, private',
    ...(warnings.length > 0 ? { Warning: warnings } : {}),
    ...(answer.status === 413 ? { Connection: 'close' } : {}),
  });
  response.end(text);
}

function refusal(error: unknown): ApiStatusError {
  if (error instanceof ApiStatusError) return error;
  return new ApiStatusError(500, 'InternalError', `Internal error occurred: ${errorText(error)}`);
}

const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

function authorize(request: IncomingMessage, token: string | undefined): void {
  // Only browsers send Origin: a page of another site, also one whose name was rebound to loopback, must not drive the lab.
  const { origin, host = '' } = request.headers;
  if (origin !== undefined && !(LOOPBACK.test(host) && origin === `http://${host}`)) {
    throw new ApiStatusError(403, 'Forbidden', `forbidden: origin ${JSON.stringify(origin)} is not this server`);
  }
  if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
    throw new ApiStatusError(401, 'Unauthorized', 'Unauthorized');
  }
}

async function answer(context: ApiContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { path, query } = split(request.url ?? '/');
  const method = request.method ?? 'GET';
  const accept = request.headers.accept ?? '';
  const found = method === 'GET' ? discovery(context.kinds, path, accept) : undefined;
  if (found) return send(request, response, { status: 200, ...found });
  const target = parseTarget(context.kinds, path);
  if (target?.subresource === 'proxy') return proxyRequest(context, target, request, response);
  const watching = query.get('watch') === 'true' || query.get('watch') === '1';
  const bytes = method === 'GET' ? Buffer.alloc(0) : await readBody(request);
  const body = bytes.length > 0 ? parseBody(bytes, request.headers['content-type']) : undefined;
  const reviewed = method === 'POST' ? review(path, body) : undefined;
  if (reviewed) return send(request, response, { status: 201, body: reviewed });
  if (!target) throw unknownPath();
  const parsed: ApiRequest = {
    ...target,
    method,
    query,
    accept,
    contentType: mediaType(request.headers['content-type']),
    userAgent: request.headers['user-agent'] ?? '',
    body,
  };
  if (method === 'GET' && watching && target.subresource === undefined) watch(context, parsed, response);
  else send(request, response, dispatch(context, parsed));
}

/** Namespaces that exist in every cluster. */
function seed(store: Store, now: Date): void {
  for (const name of ['default', 'kube-system']) {
    if (store.get('namespaces', undefined, name)) continue;
    store.put('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name }, creationTimestamp: timestamp(now) },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `the Kubernetes API of the lab cannot listen on 127.0.0.1:${port}: ${errorText(error)}`;
      reject(new EnvironmentError('E_PORT', message, 'Choose another port, or 0 for any free one.', { cause: error }));
    });
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/**
 * Serves a Store as a Kubernetes API on loopback, for an unmodified kubectl, the official clients and Kiali.
 * @throws EnvironmentError when the port cannot be had.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const now = options.now ?? (() => new Date());
  seed(options.store, now());
  const log = new EventLog(options.store);
  const context: ApiContext = {
    store: options.store,
    kinds: new KindTable(options.store),
    log,
    admission: options.admission ?? istioAdmission,
    resolvePodPort: options.resolvePodPort,
    podLog: options.podLog ?? (() => ''),
    now,
  };
  const upgraded = new Set<Duplex>();
  // A body that trickles in for longer than this is answered with 408 by Node.
  const limits = { requestTimeout: 30_000, headersTimeout: 10_000, connectionsCheckingInterval: 2000 };
  const server = createServer({ ...limits, keepAliveTimeout: 120_000 }, (request, response) => {
    response.on('error', () => response.destroy());
    const handled = async () => {
      authorize(request, options.token);
      await answer(context, request, response);
    };
    handled().catch((error: unknown) => {
      const status = refusal(error);
      if (!request.complete) request.resume();
      send(request, response, { status: status.code, body: status.toStatus() });
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => upgraded.delete(socket));
    try {
      authorize(request, options.token);
      const { path, query } = split(request.url ?? '/');
      acceptPortForward(context, { target: parseTarget(context.kinds, path), query, request, socket, head });
    } catch (error) {
      const status = refusal(error);
      const text = JSON.stringify(status.toStatus());
      socket.end(
        `HTTP/1.1 ${status.code} ${status.reason || 'Refused'}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
      );
    }
  });
  const port = await listen(server, options.port ?? 0);
  server.on('error', () => {});
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    kubeconfig: () => kubeconfigText(url, options.token),
    close: () =>
      new Promise((resolve) => {
        log.close();
        context.kinds.close();
        server.close(() => resolve());
        for (const socket of upgraded) socket.destroy();
        server.closeAllConnections();
      }),
  };
}
