import type { PreparedRequest } from './requests.js';
import type { FailureSample } from './types.js';

const HEAD_BYTES = 16 * 1024;
const BODY_BYTES = 4096;
/** Fields whose values are secrets. */
const SECRET_FIELD = /^(authorization|proxy-authorization|cookie|set-cookie2?)([ \t]*):.*(?:\r?\n[ \t].*)*/gim;
/** Shorter values are not looked for elsewhere: they would be found everywhere. */
const SHORTEST_SECRET = 4;
const MASK = '***';
const END_OF_HEAD = '\r\n\r\n';

/** What is known of a failed request besides its place in the list. */
interface Failure {
  readonly atMs: number;
  readonly uri: number;
  /** 0: not known. */
  readonly connection: number;
  /** As in `FailureSample`. */
  readonly failure: string;
  readonly reason: string | undefined;
  /** The start of what was received of the answer. */
  readonly received: Buffer | undefined;
}

/** The first failed requests of a load with what came back, for a person who asks why. */
export class FailureSamples {
  readonly #most: number;
  readonly #requests: readonly PreparedRequest[];
  readonly #samples: FailureSample[] = [];

  constructor(most: number, requests: readonly PreparedRequest[]) {
    this.#most = most;
    this.#requests = requests;
  }

  /** There is room for another one. */
  get wanted(): boolean {
    return this.#samples.length < this.#most;
  }

  get list(): readonly FailureSample[] {
    return this.#samples;
  }

  add({ atMs, uri, connection, failure, reason, received }: Failure): void {
    if (!this.wanted) return;
    const request = this.#requests[uri];
    const { head, body } = partsOf(received ?? Buffer.alloc(0));
    const secrets = request ? secretsOf(request) : [];
    const shown = (text: string) => visible(masked(text, secrets));
    this.#samples.push({
      atMs,
      uri: request?.name ?? '',
      ...(connection === 0 ? {} : { connection }),
      failure,
      ...(reason === undefined ? {} : { reason: shown(reason) }),
      head: shown(head.replace(SECRET_FIELD, `$1$2: ${MASK}`)).trimEnd(),
      body: shown(body),
    });
  }
}

/** The last head, those of interim answers passed over, and the start of what follows it as it was received: chunk sizes are a part of it. */
function partsOf(received: Buffer): { readonly head: string; readonly body: string } {
  let from = 0;
  let end = received.indexOf(END_OF_HEAD);
  while (end >= 0 && /^HTTP\/1\.[01] 1\d\d\b/.test(received.toString('latin1', from, from + 13))) {
    from = end + END_OF_HEAD.length;
    end = received.indexOf(END_OF_HEAD, from);
  }
  const headTo = end < 0 ? received.length : end;
  const bodyFrom = end < 0 ? received.length : end + END_OF_HEAD.length;
  return {
    head: received.toString('latin1', from, Math.min(headTo, from + HEAD_BYTES)),
    body: received.toString('utf8', bodyFrom, bodyFrom + BODY_BYTES),
  };
}

/** What was sent and must not be shown when a server repeats it. */
function secretsOf({ headers }: PreparedRequest): string[] {
  const values = headers.flatMap((name, at) => {
    const value = headers[at + 1];
    if (at % 2 === 1 || value === undefined) return [];
    if (/^(proxy-)?authorization$/i.test(name)) return [value, value.replace(/^\S+\s+/, '')];
    return /^cookie$/i.test(name) ? [value, ...value.split(';').map((pair) => pair.replace(/^[^=]*=/, '').trim())] : [];
  });
  return values.filter((value) => value.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
}

const masked = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((shown, secret) => shown.replaceAll(secret, MASK), text);

/** Control characters (C0 but tab and line ends, C1) and marks that reorder text (Unicode UAX 9). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Those as `\x1b` or `\u202e`: nothing of them reaches a terminal. */
function visible(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(HIDDEN, (mark) => {
    const code = mark.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
