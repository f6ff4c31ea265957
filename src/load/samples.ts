import { splitAnswer } from './http1/excerpt.js';
import type { PreparedRequest } from './requests.js';
import type { FailureSample } from './types.js';

const HEAD_BYTES = 16 * 1024;
const BODY_BYTES = 4096;
/** Fields whose values are secrets. */
const SECRET_FIELD = /^(authorization|proxy-authorization|cookie|set-cookie2?)([ \t]*):.*(?:\r?\n[ \t].*)*/gim;
/** Shorter values are not looked for elsewhere: they would be found everywhere. */
const SHORTEST_SECRET = 4;
const MASK = '***';

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
    const { head, rest } = splitAnswer(received ?? Buffer.alloc(0));
    const secrets = request ? secretsOf(request) : [];
    const shown = (text: string) => visible(masked(text, secrets));
    this.#samples.push({
      atMs,
      uri: request?.name ?? '',
      ...(connection === 0 ? {} : { connection }),
      failure,
      ...(reason === undefined ? {} : { reason: shown(reason) }),
      head: shown(head.toString('latin1', 0, HEAD_BYTES).replace(SECRET_FIELD, `$1$2: ${MASK}`)).trimEnd(),
      body: shown(rest.toString('utf8', 0, BODY_BYTES)),
    });
  }
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
