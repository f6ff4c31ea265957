import { errorText } from '../../base/errors.js';
import { type AppEnvironment, type AppHandler, type AppResponse, json } from './app.js';

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

type Outcome = { url: string; status: number; answer?: Identity } | { url: string; error: string };

/** Who answered; what it says of itself is passed on, so that a marker on the caller's page finds the version behind it. */
interface Identity {
  readonly app: string;
  readonly version: string;
  readonly pod: string;
}

/** Makes the calls one after the other; failures are outcomes too. */
async function makeCalls(env: AppEnvironment, calls: readonly Call[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { url, host, port, path } of calls) {
    try {
      const { status, body } = await env.client.request(host, port, 'GET', path);
      const answer = identityIn(body);
      outcomes.push({ url, status, ...(answer ? { answer } : {}) });
    } catch (error) {
      outcomes.push({ url, error: errorText(error) });
    }
  }
  return outcomes;
}

/** undefined: the answer is not of a generic application. */
function identityIn(body: string): Identity | undefined {
  const [, app, version, pod] = /^\{"app":"([^"\\]*)","version":"([^"\\]*)".*?"pod":"([^"\\]*)"/.exec(body) ?? [];
  return app === undefined || version === undefined || pod === undefined ? undefined : { app, version, pod };
}

const failed = (outcome: Outcome): boolean => 'error' in outcome || outcome.status >= 500;

/** An application of which nothing is known: says who it is and what it was asked, and 502 when one of its calls failed. */
export function genericApp(env: AppEnvironment, calls: readonly string[]): AppHandler {
  const parsed = calls.map(parseCall);
  const identity = {
    app: env.labels.app ?? env.workload,
    version: env.labels.version ?? '',
    workload: env.workload,
    pod: env.pod,
  };
  return (request) => {
    const about = { ...identity, method: request.method, path: request.path, headers: request.headers };
    if (parsed.length === 0) return json(200, about);
    return makeCalls(env, parsed).then((outcomes) =>
      json(outcomes.some(failed) ? 502 : 200, { ...about, calls: outcomes }),
    );
  };
}

/** Puts configured calls in front of a built-in application; it answers 502 itself when one of them fails. */
export function withCalls(env: AppEnvironment, calls: readonly string[], handler: AppHandler): AppHandler {
  if (calls.length === 0) return handler;
  const parsed = calls.map(parseCall);
  return async (request): Promise<AppResponse> => {
    const outcomes = await makeCalls(env, parsed);
    return outcomes.some(failed) ? json(502, { calls: outcomes }) : handler(request);
  };
}
