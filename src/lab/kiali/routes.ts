import type { IncomingMessage } from 'node:http';
import { type KialiAuth, type Session, Sessions } from './auth.js';
import { CLUSTER, type ClusterView } from './cluster.js';
import { Failure } from './failure.js';
import { buildGraph } from './graph/build.js';
import { healthPage } from './health.js';
import { parseGraphOptions } from './options.js';
import { configPage, istioStatusPage, namespacePage, statusPage } from './pages.js';
import type { PrometheusClient } from './prometheus.js';

export const WEB_ROOT = '/kiali';
const FORM_LIMIT = 64 * 1024;

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Serialised as JSON; a string goes out as plain text; undefined is an empty body. */
  readonly body?: unknown;
}

export interface KialiContext {
  readonly cluster: ClusterView;
  readonly prometheus: PrometheusClient;
  readonly sessions: Sessions;
  readonly version: string;
  readonly wallMs: () => number;
}

export const makeSessions = (auth: KialiAuth, wallMs: () => number): Sessions => new Sessions(auth, wallMs);

/** Answers one request. Throws Failure for what Kiali answers with an error document. */
export async function answer(request: IncomingMessage, context: KialiContext): Promise<Reply> {
  const url = request.url ?? '/';
  const queryAt = url.indexOf('?');
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const params = new URLSearchParams(queryAt < 0 ? '' : url.slice(queryAt + 1));
  if (path === '/' || path === '') return { status: 302, headers: { location: `${WEB_ROOT}/` } };
  if (path !== WEB_ROOT && !path.startsWith(`${WEB_ROOT}/`)) return notFound();
  const page = path.slice(WEB_ROOT.length);
  const open = await answerOpen(page, request, context);
  if (open) return open;
  if (context.sessions.auth.strategy !== 'anonymous' && !context.sessions.find(request)) {
    return { status: 401, body: 'Unauthorized\n', headers: clearCookie(context) };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return notFound();
  return answerGuarded(page, params, context);
}

const notFound = (): Reply => ({ status: 404, body: '404 page not found\n' });

/** Pages that need no session. */
async function answerOpen(page: string, request: IncomingMessage, context: KialiContext): Promise<Reply | undefined> {
  switch (page) {
    case '/healthz':
      return { status: 200 };
    case '/api':
      return { status: 200, body: await statusPage(context.version, context.prometheus) };
    case '/api/auth/info':
      return { status: 200, body: authInfo(request, context) };
    case '/api/authenticate':
      return authenticate(request, context);
    case '/api/logout':
      context.sessions.logout(request);
      return { status: 204, headers: clearCookie(context) };
    default:
      return undefined;
  }
}

async function answerGuarded(page: string, params: URLSearchParams, context: KialiContext): Promise<Reply> {
  const { cluster, prometheus } = context;
  const namespaced = /^\/api\/namespaces\/([^/]+)\/(istio|info)$/.exec(page);
  if (namespaced?.[1] !== undefined) return namespacePages(namespaced[1], namespaced[2] ?? '', params, cluster);
  switch (page) {
    case '':
    case '/':
      return { status: 200, body: 'The API is below /kiali/api; the web pages are not part of the lab.\n' };
    case '/api/status':
      return { status: 200, body: await statusPage(context.version, prometheus) };
    case '/api/namespaces':
      return { status: 200, body: cluster.namespaces().map(namespacePage) };
    case '/api/namespaces/graph': {
      const options = parseGraphOptions(params, cluster.namespaces(), context.wallMs());
      return { status: 200, body: await buildGraph(options, cluster, prometheus) };
    }
    case '/api/clusters/health':
      return { status: 200, body: await healthPage(params, cluster, prometheus, context.wallMs()) };
    case '/api/istio/config':
      return { status: 200, body: configPage(cluster, undefined, params.get('objects')) };
    case '/api/istio/status':
      return { status: 200, body: await istioStatusPage(cluster, prometheus) };
    default:
      return notFound();
  }
}

function namespacePages(encoded: string, page: string, params: URLSearchParams, cluster: ClusterView): Reply {
  const namespace = cluster.namespaces().find(({ name }) => name === encoded);
  if (!namespace) throw new Failure(page === 'info' ? 500 : 404, `namespaces ${JSON.stringify(encoded)} not found`);
  if (page === 'info') return { status: 200, body: namespacePage(namespace) };
  return { status: 200, body: configPage(cluster, namespace.name, params.get('objects')) };
}

function authInfo(request: IncomingMessage, { sessions }: KialiContext): unknown {
  const { strategy } = sessions.auth;
  if (strategy === 'anonymous') return { strategy, sessionInfo: {} };
  const session = sessions.find(request);
  if (strategy === 'login') return { strategy, sessionInfo: session ? described(session) : {} };
  const clusterInfo = session ? { clusterInfo: { [CLUSTER]: { name: CLUSTER } } } : {};
  return { strategy, sessionInfo: session ? { ...clusterInfo, ...described(session) } : {} };
}

const described = ({ username, expiresMs }: Session) => ({ expiresOn: new Date(expiresMs).toISOString(), username });

async function authenticate(request: IncomingMessage, context: KialiContext): Promise<Reply> {
  const { sessions } = context;
  const form = request.method === 'POST' ? await readForm(request) : new URLSearchParams();
  const started = sessions.login(request, form);
  if (!started) return { status: 200 };
  const { id, session } = started;
  const body = sessions.auth.strategy === 'login' ? { token: id, ...described(session) } : described(session);
  const cookie = `${sessions.cookieName}=${id}; Path=${WEB_ROOT}; Expires=${new Date(session.expiresMs).toUTCString()}; HttpOnly; SameSite=Strict`;
  return { status: 200, body, headers: { 'set-cookie': cookie } };
}

function clearCookie({ sessions }: KialiContext): Record<string, string> {
  if (sessions.auth.strategy === 'anonymous') return {};
  return { 'set-cookie': `${sessions.cookieName}=; Path=${WEB_ROOT}; Max-Age=0; HttpOnly; SameSite=Strict` };
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > FORM_LIMIT) throw new Failure(500, 'error parsing form data from client: http: request body too large');
    chunks.push(chunk);
  }
  const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return new URLSearchParams(isForm ? Buffer.concat(chunks).toString('utf8') : '');
}
