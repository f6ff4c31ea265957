import { Agent, type Dispatcher, request } from 'undici';
import { ConfigError, EnvironmentError, errorText } from '../base/errors.js';

/** Answers larger than this are refused: no vantage point of one namespace needs more. */
const LARGEST_ANSWER_BYTES = 64 * 1024 * 1024;
const MOST_REDIRECTS = 3;

export interface HttpServiceOptions {
  /** As messages name it: `Prometheus`. */
  readonly name: string;
  readonly url: string;
  /** What to do when it is not there; ends every message. */
  readonly remedy: string;
  /** Whole answer, ms; default 10 s. */
  readonly timeoutMs?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly text: string;
}

export interface HttpCall {
  readonly method: 'GET' | 'POST';
  /** Below the base URL, starts with `/`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** One HTTP service that answers JSON. Whatever goes wrong is an EnvironmentError that names the address and the remedy. */
export class HttpService {
  readonly name: string;
  /** Without credentials, query and trailing slash. */
  readonly address: string;
  readonly #base: URL;
  readonly #authorization: string | undefined;
  readonly #remedy: string;
  readonly #timeoutMs: number;
  // Connections of its own, so that a hanging service holds up no other.
  readonly #agent = new Agent({ connect: { timeout: 5000 } });

  /** @throws ConfigError when the URL is none of http or https. */
  constructor(options: HttpServiceOptions) {
    const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
    if (!url || !/^https?:$/.test(url.protocol)) {
      const message = `the address of ${options.name} is ${JSON.stringify(options.url)}, it must be an http or https URL`;
      throw new ConfigError([{ message, hint: 'Write it like http://127.0.0.1:9090.' }]);
    }
    if (url.username || url.password) {
      const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      this.#authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    }
    url.username = '';
    url.password = '';
    url.search = '';
    url.hash = '';
    url.pathname = url.pathname.replace(/\/+$/, '');
    this.name = options.name;
    this.#base = url;
    this.address = url.href.replace(/\/$/, '');
    this.#remedy = options.remedy;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
  }

  /** The answer whatever its status. Redirects are followed within the host only, so that no credential leaves it. */
  async call(call: HttpCall): Promise<HttpAnswer> {
    let url = new URL(this.#base);
    url.pathname = this.#base.pathname.replace(/\/$/, '') + call.path;
    for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value);
    for (let hop = 0; ; hop++) {
      const answer = await this.#once(url, call);
      const location = answer.headers.location;
      if (answer.status < 300 || answer.status > 399 || typeof location !== 'string') return answer;
      const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
      if (next?.origin !== this.#base.origin || call.method !== 'GET' || hop >= MOST_REDIRECTS) {
        throw this.error('E_REDIRECT', `redirects to ${shorten(location)}; is there a log-in page in front of it?`);
      }
      url = next;
    }
  }

  /** The parsed body of a 2xx answer. */
  async json(call: HttpCall): Promise<unknown> {
    const answer = await this.call(call);
    if (answer.status < 200 || answer.status > 299) throw this.refusal(answer);
    return this.parse(answer);
  }

  parse(answer: HttpAnswer): unknown {
    const type = String(answer.headers['content-type'] ?? '');
    if (!/\bjson\b/i.test(type)) {
      throw this.error(
        'E_NOT_JSON',
        `answers ${type || 'a body without a type'} instead of JSON: ${shorten(answer.text)}`,
      );
    }
    try {
      return JSON.parse(answer.text);
    } catch (error) {
      throw this.error('E_NOT_JSON', `answers broken JSON (${errorText(error)})`);
    }
  }

  /** An answer with an error status as an error. */
  refusal(answer: HttpAnswer): EnvironmentError {
    const what = answer.status === 401 || answer.status === 403 ? 'refuses access' : 'fails';
    return this.error('E_STATUS', `${what} with status ${answer.status}: ${shorten(answer.text)}`);
  }

  error(code: string, what: string, remedy = this.#remedy, options?: ErrorOptions): EnvironmentError {
    return new EnvironmentError(code, `${this.name} at ${this.address} ${what}`, remedy, options);
  }

  async #once(url: URL, call: HttpCall): Promise<HttpAnswer> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
    try {
      const response = await request(url, {
        dispatcher: this.#agent,
        method: call.method,
        signal,
        headers: {
          accept: 'application/json',
          ...(this.#authorization ? { authorization: this.#authorization } : {}),
          ...(call.form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
          ...call.headers,
        },
        body: call.form ? new URLSearchParams(call.form).toString() : null,
      });
      return { status: response.statusCode, headers: response.headers, text: await this.#read(response.body) };
    } catch (error) {
      if (error instanceof EnvironmentError) throw error;
      if (timeout.aborted) throw this.error('E_TIMEOUT', `did not answer within ${this.#timeoutMs / 1000} s`);
      throw this.error('E_UNREACHABLE', `cannot be reached: ${errorText(error)}`, this.#remedy, { cause: error });
    }
  }

  async #read(body: Dispatcher.ResponseData['body']): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > LARGEST_ANSWER_BYTES) throw this.error('E_TOO_LARGE', 'answers more than 64 MiB');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

/** Foreign text for a message: one line, without control characters, at most 200 characters. */
export function shorten(text: string): string {
  const line = text
    .slice(0, 2000)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is to be removed.
    .replace(/[\x00-\x1f\x7f-\x9f\s]+/g, ' ')
    .trim();
  if (line === '') return '(empty body)';
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}
