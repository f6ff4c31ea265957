import { type Agent, request } from 'undici';
import { Failure } from './failure.js';

/** One series of an instant vector. */
export interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const QUERY_TIMEOUT_MS = 30_000;
const BODY_LIMIT = 128 * 1024 * 1024;

/** Asks Prometheus the way Kiali does: POST, form encoded. Every failure is a 503 in Kiali's words. */
export class PrometheusClient {
  private readonly baseUrl: string;
  private readonly agent: Agent;

  constructor(baseUrl: string, agent: Agent) {
    this.baseUrl = baseUrl.replace(/\/+$/, '');
    this.agent = agent;
  }

  /** An instant vector, its values rounded by the query to 0.001 as all of a graph's. @param timeSeconds since the epoch. */
  vector(query: string, timeSeconds: number): Promise<Row[]> {
    return this.exactVector(`round(${query},0.001)`, timeSeconds);
  }

  async exactVector(query: string, timeSeconds: number): Promise<Row[]> {
    const form = new URLSearchParams({ query, time: String(timeSeconds) });
    const { status, text } = await this.fetch('POST', '/api/v1/query', form.toString());
    if (status >= 500) throw new Failure(503, `server_error: server error: ${status}`);
    if (status >= 300 && status !== 400 && status !== 422)
      throw new Failure(503, `client_error: client error: ${status}`);
    const answer = parseAnswer(text);
    if (answer.status === 'error') throw new Failure(503, `${answer.errorType}: ${answer.error}`);
    if (answer.data?.resultType !== 'vector')
      throw new Failure(500, `No handling for type ${answer.data?.resultType}!\n`);
    return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: parseValue(value[1]) }));
  }

  /** The server's release, or undefined when it does not say. */
  async version(): Promise<string | undefined> {
    try {
      const { text } = await this.fetch('GET', '/version');
      const { version } = JSON.parse(text) as { version?: unknown };
      return typeof version === 'string' ? version : undefined;
    } catch {
      return undefined;
    }
  }

  /** True when the health page answers 200. */
  async healthy(): Promise<boolean> {
    return this.fetch('GET', '/-/healthy').then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  private async fetch(method: 'GET' | 'POST', path: string, form?: string): Promise<{ status: number; text: string }> {
    const url = this.baseUrl + path;
    const signal = AbortSignal.timeout(QUERY_TIMEOUT_MS);
    try {
      const response = await request(url, {
        method,
        dispatcher: this.agent,
        signal,
        ...(form === undefined ? {} : { body: form, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      });
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        size += chunk.length;
        if (size > BODY_LIMIT) throw new Error('response body too large');
        chunks.push(chunk);
      }
      return { status: response.statusCode, text: Buffer.concat(chunks).toString('utf8') };
    } catch (error) {
      throw new Failure(503, `${method === 'POST' ? 'Post' : 'Get'} "${url}": ${goNetworkError(error, url)}`);
    }
  }
}

interface Answer {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly data?: {
    readonly resultType: string;
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[];
  };
}

function parseAnswer(text: string): Answer {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    throw new Failure(503, 'bad_response: readObjectStart: expect { or n');
  }
}

/** Prometheus' spelling of a double; `+Inf` is no number to JavaScript. */
function parseValue(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

function goNetworkError(error: unknown, url: string): string {
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'ECONNREFUSED') return `dial tcp ${new URL(url).host}: connect: connection refused`;
  if ((error as Error).name === 'TimeoutError') return 'context deadline exceeded';
  return message ?? String(error);
}
