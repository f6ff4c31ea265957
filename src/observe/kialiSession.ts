import { z } from 'zod';
import { EnvironmentError } from '../base/errors.js';
import { type HttpAnswer, HttpService, shorten } from './http.js';

/** How to log in; Kiali itself says which of it it wants, so a token is not sent to an anonymous one. */
export type KialiAuth =
  | { readonly strategy: 'anonymous' }
  | { readonly strategy: 'token'; readonly token: string }
  /** User and password, which Kiali knew up to 1.22. */
  | { readonly strategy: 'login'; readonly username: string; readonly password: string };

const AuthInfo = z.object({ strategy: z.string() });
const SessionToken = z.object({ token: z.string().min(1) });

export interface KialiSessionOptions {
  /** With or without Kiali's own base path, `/kiali`. */
  readonly url: string;
  readonly auth: KialiAuth;
  readonly timeoutMs?: number;
}

/** A logged-in client of Kiali's API: finds the base path, logs in as Kiali asks, and once more when the session has run out. */
export class KialiSession {
  readonly #http: HttpService;
  readonly #auth: KialiAuth;
  readonly #paths: readonly string[];
  #path: string | undefined;
  #headers: Record<string, string> = {};

  /** @throws ConfigError when the URL is none. */
  constructor(options: KialiSessionOptions) {
    this.#http = new HttpService({
      name: 'Kiali',
      url: options.url,
      remedy:
        "Give Kiali's address with --kiali-url (Istio's add-on: kubectl -n istio-system port-forward svc/kiali 20001, then http://localhost:20001/kiali), or set `watch: {graph: off}`.",
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });
    this.#auth = options.auth;
    this.#paths = /\/kiali$/.test(this.#http.address) ? [''] : ['', '/kiali'];
  }

  /** Without credentials. */
  get address(): string {
    return this.#http.address + (this.#path ?? '');
  }

  /** Finds the API and logs in. */
  async connect(signal?: AbortSignal): Promise<void> {
    const strategy = await this.#discover(signal);
    this.#headers = {};
    await this.#logIn(strategy, signal);
  }

  /** The JSON body of a GET below the base path. */
  async get(path: string, query: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<unknown> {
    if (this.#path === undefined) await this.connect(signal);
    let answer = await this.#get(path, query, signal);
    if (answer.status === 401) {
      await this.connect(signal);
      answer = await this.#get(path, query, signal);
    }
    if (answer.status === 403) {
      throw this.error(
        `does not show it: ${shorten(answer.text)}`,
        'Check that the namespace exists and that the account that Kiali was given may see it.',
      );
    }
    if (answer.status < 200 || answer.status > 299) throw this.#http.refusal(answer);
    return this.#http.parse(answer);
  }

  error(what: string, remedy?: string): EnvironmentError {
    return this.#http.error('E_KIALI', what, remedy);
  }

  #get(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    return this.#http.call({ method: 'GET', path: `${this.#path}${path}`, query, headers: this.#headers, signal });
  }

  /** @returns the log-in strategy that Kiali asks for. */
  async #discover(signal: AbortSignal | undefined): Promise<string> {
    let first: EnvironmentError | undefined;
    for (const path of this.#paths) {
      try {
        const info = AuthInfo.safeParse(
          await this.#http.json({ method: 'GET', path: `${path}/api/auth/info`, signal }),
        );
        if (!info.success) throw this.error('answers JSON that is not from Kiali');
        this.#path = path;
        return info.data.strategy;
      } catch (error) {
        if (!(error instanceof EnvironmentError) || error.code === 'E_UNREACHABLE' || error.code === 'E_TIMEOUT') {
          throw error;
        }
        first ??= error;
      }
    }
    throw first;
  }

  async #logIn(strategy: string, signal: AbortSignal | undefined): Promise<void> {
    const auth = this.#auth;
    switch (strategy) {
      case 'anonymous':
        return;
      case 'token': {
        const form = { token: this.#token(strategy) };
        return this.#takeSession(
          await this.#http.call({ method: 'POST', path: `${this.#path}/api/authenticate`, form, signal }),
          'the token',
        );
      }
      case 'header':
      case 'openshift':
        this.#headers = { authorization: `Bearer ${this.#token(strategy)}` };
        return;
      case 'login':
      case 'ldap': {
        if (auth.strategy !== 'login') {
          throw this.error(
            'asks for a user name and a password',
            'Set WEIGHBRIDGE_KIALI_USERNAME and WEIGHBRIDGE_KIALI_PASSWORD.',
          );
        }
        const basic = Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
        const headers = { authorization: `Basic ${basic}` };
        const path = `${this.#path}/api/authenticate`;
        let answer = await this.#http.call({ method: 'GET', path, headers, signal });
        // Which method it takes has changed over its releases.
        if (answer.status === 404 || answer.status === 405) {
          answer = await this.#http.call({ method: 'POST', path, headers, signal });
        }
        return this.#takeSession(answer, 'the user name or the password');
      }
      default:
        throw this.error(
          `asks for the log-in strategy ${JSON.stringify(shorten(strategy))}, which needs a browser`,
          'Use a Kiali with strategy anonymous or token, or set `watch: {graph: off}`.',
        );
    }
  }

  #token(strategy: string): string {
    if (this.#auth.strategy === 'token') return this.#auth.token;
    throw this.error(
      `asks for a token (strategy ${strategy})`,
      'Write one into a file, kubectl -n istio-system create token kiali-service-account > FILE, and give --kiali-token-file FILE.',
    );
  }

  #takeSession(answer: HttpAnswer, what: string): void {
    if (answer.status < 200 || answer.status > 299) {
      throw this.error(
        `does not accept ${what} (status ${answer.status}): ${shorten(answer.text)}`,
        'Check that it is complete and has not expired.',
      );
    }
    const setCookie = answer.headers['set-cookie'] ?? [];
    const cookies = (Array.isArray(setCookie) ? setCookie : [setCookie])
      .map((cookie) => cookie.split(';')[0]?.trim() ?? '')
      .filter((pair) => /^[^=]+=./.test(pair));
    if (cookies.length > 0) {
      this.#headers = { cookie: cookies.join('; ') };
      return;
    }
    // The oldest releases answer a token of their own instead of setting a cookie.
    const session = SessionToken.safeParse(this.#http.parse(answer));
    if (!session.success) throw this.error('accepts the log-in but starts no session');
    this.#headers = { authorization: `Bearer ${session.data.token}` };
  }
}
