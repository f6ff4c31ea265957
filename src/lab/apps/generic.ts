import { errorText } from '../../base/errors.js';
import { type AppEnvironment, type AppHandler, type AppRequest, type AppResponse, json } from './app.js';

/** A URL of `calls`, taken apart once. */
export interface Call {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** @throws TypeError when the text is no http URL. */
export function parseCall(url: string): Call {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  if (protocol !== 'http:') throw new TypeError(`A call must be http://host:port/path, got ${url}.`);
  return { url, host: hostname, port: port === '' ? 80 : Number(port), path: pathname + search };
}

type Outcome = { url: string; status: number; by?: Answerer } | { url: string; error: string };

const NAMES = ['app', 'version', 'image', 'pod'] as const;

/** Who answered a call, as far as its answer says so. */
type Answerer = Partial<Record<(typeof NAMES)[number], string>>;

/** What the answer of another such application tells of it; undefined: the answer is of another kind. */
function answererOf(body: string): Answerer | undefined {
  if (!body.startsWith('{"app":')) return undefined;
  try {
    const told = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const names = NAMES.flatMap((name) => (typeof told[name] === 'string' ? [[name, told[name]]] : []));
    return Object.fromEntries(names) as Answerer;
  } catch {
    return undefined;
  }
}

/** What Istio's samples hand on, so that routes by header reach behind the first service: identity, traces, and what is an application's own. */
const HANDED_ON =
  /^(end-user|user-agent|cookie|authorization|jwt|traceparent|tracestate|b3|x-(?!envoy-|forwarded-).*)$/;

/** Name, value, name, value. */
const handedOn = (headers: AppRequest['headers']): string[] =>
  Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' && HANDED_ON.test(name) ? [name, value] : [],
  );

/** Makes the calls one after the other; failures are outcomes too. @param headers name, value, name, value. */
async function makeCalls(
  env: AppEnvironment,
  calls: readonly Call[],
  headers: readonly string[] = [],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { url, host, port, path } of calls) {
    try {
      const { status, body } = await env.client.request(host, port, 'GET', path, undefined, headers);
      const by = answererOf(body);
      outcomes.push({ url, status, ...(by ? { by } : {}) });
    } catch (error) {
      outcomes.push({ url, error: errorText(error) });
    }
  }
  return outcomes;
}

const failed = (outcome: Outcome): boolean => 'error' in outcome || outcome.status >= 500;

/** Makes an application's calls unasked, evenly, so often a second. @returns what ends that. */
export function callUnasked(env: AppEnvironment, calls: readonly string[], perSecond: number): () => void {
  const parsed = calls.map(parseCall);
  const timer = setInterval(() => void makeCalls(env, parsed), 1000 / perSecond);
  return () => clearInterval(timer);
}

/** An application of which nothing is known: says who it is, what it was asked and who answered its calls, and 502 when one of its calls failed. */
export function genericApp(env: AppEnvironment, calls: readonly string[]): AppHandler {
  const parsed = calls.map(parseCall);
  const identity = {
    app: env.labels.app ?? env.workload,
    version: env.labels.version ?? '',
    image: env.image,
    workload: env.workload,
    pod: env.pod,
  };
  return (request) => {
    const about = { ...identity, method: request.method, path: request.path, headers: request.headers };
    if (parsed.length === 0) return json(200, about);
    return makeCalls(env, parsed, handedOn(request.headers)).then((outcomes) =>
      json(outcomes.some(failed) ? 502 : 200, { ...about, calls: outcomes }),
    );
  };
}

/** Puts configured calls in front of a built-in application; it answers 502 itself when one of them fails. */
export function withCalls(env: AppEnvironment, calls: readonly string[], handler: AppHandler): AppHandler {
  if (calls.length === 0) return handler;
  const parsed = calls.map(parseCall);
  return async (request): Promise<AppResponse> => {
    const outcomes = await makeCalls(env, parsed, handedOn(request.headers));
    return outcomes.some(failed) ? json(502, { calls: outcomes }) : handler(request);
  };
}
