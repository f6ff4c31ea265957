import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { CLUSTER } from './cluster.js';
import { Failure } from './failure.js';

/**
 * How callers log in. `anonymous`: not at all. `token`: a Kubernetes token in a form, then a session cookie. `login`: user name and
 * passphrase by HTTP Basic as Kiali before 1.23, then a session cookie or the answered token as Bearer.
 */
export type KialiAuth =
  | { readonly strategy: 'anonymous' }
  | { readonly strategy: 'token'; readonly tokens: readonly string[] }
  | { readonly strategy: 'login'; readonly username: string; readonly passphrase: string };

export interface Session {
  readonly username: string;
  /** ms since the epoch. */
  readonly expiresMs: number;
}

export interface Started {
  /** The secret that names the session. */
  readonly id: string;
  readonly session: Session;
}

const SESSION_MS = 24 * 3_600_000;
const MAX_SESSIONS = 1_000;

/** Compares without telling by its duration where two secrets differ. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

export class Sessions {
  readonly auth: KialiAuth;
  readonly cookieName: string;
  private readonly sessions = new Map<string, Session>();
  private readonly wallMs: () => number;

  constructor(auth: KialiAuth, wallMs: () => number) {
    this.auth = auth;
    this.wallMs = wallMs;
    this.cookieName = auth.strategy === 'login' ? 'kiali-token' : `kiali-token-${CLUSTER}`;
  }

  /** The caller's session, or undefined. With `anonymous` nobody needs one. */
  find(request: IncomingMessage): Session | undefined {
    const session = this.sessions.get(this.idOf(request) ?? '');
    return session && session.expiresMs > this.wallMs() ? session : undefined;
  }

  /**
   * Checks the credentials and starts a session.
   * @param form fields of the body.
   * @returns undefined where nobody needs a session.
   * @throws Failure 401 or 500 with Kiali's text.
   */
  login(request: IncomingMessage, form: URLSearchParams): Started | undefined {
    const { auth } = this;
    if (auth.strategy === 'token') {
      const token = form.get('token') ?? '';
      if (token === '') throw new Failure(500, 'token is empty');
      if (!auth.tokens.some((known) => sameSecret(known, token))) {
        throw new Failure(401, 'token is not valid or is expired: Unauthorized');
      }
      return this.start(subjectOf(token));
    }
    if (auth.strategy === 'login') {
      const [username, passphrase] = basicOf(request);
      const known = sameSecret(username, auth.username);
      if (!sameSecret(passphrase, auth.passphrase) || !known) throw new Failure(401, 'Unauthorized');
      return this.start(username);
    }
    return undefined;
  }

  logout(request: IncomingMessage): void {
    this.sessions.delete(this.idOf(request) ?? '');
  }

  private start(username: string): Started {
    const oldest = this.sessions.keys().next();
    if (this.sessions.size >= MAX_SESSIONS && !oldest.done) this.sessions.delete(oldest.value);
    const id = randomBytes(32).toString('base64url');
    const session = { username, expiresMs: this.wallMs() + SESSION_MS };
    this.sessions.set(id, session);
    return { id, session };
  }

  /** A Bearer header counts for the legacy login only: with `token`, Kiali wants the cookie. */
  private idOf(request: IncomingMessage): string | undefined {
    for (const pair of (request.headers.cookie ?? '').split(';')) {
      const [name, ...value] = pair.trim().split('=');
      if (name === this.cookieName) return value.join('=');
    }
    if (this.auth.strategy !== 'login') return undefined;
    return /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  }
}

function basicOf(request: IncomingMessage): [username: string, passphrase: string] {
  const encoded = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? ['', ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** The `sub` of a Kubernetes token without its prefix; `token` for anything that is no such token. */
function subjectOf(token: string): string {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
      sub?: unknown;
    };
    return typeof claims.sub === 'string' ? claims.sub.replace(/^system:serviceaccount:/, '') : 'token';
  } catch {
    return 'token';
  }
}
