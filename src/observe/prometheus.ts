import { z } from 'zod';
import { HttpService } from './http.js';

export type Labels = Readonly<Record<string, string>>;

/** One element of an instant vector. */
export interface Sample {
  readonly labels: Labels;
  /** Finite. */
  readonly value: number;
}

const Point = z.tuple([z.number(), z.string()]);
const Success = z.object({
  status: z.literal('success'),
  data: z.union([
    z.object({
      resultType: z.literal('vector'),
      result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: Point })),
    }),
    z.object({ resultType: z.literal('scalar'), result: Point }),
  ]),
});
const Targets = z.object({
  data: z.object({
    activeTargets: z.array(z.object({ labels: z.record(z.string(), z.string()), scrapeInterval: z.string() })),
  }),
});
const Flags = z.object({ data: z.record(z.string(), z.string()) });
const Failure = z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() });

export interface PrometheusOptions {
  /** With its path prefix, if it has one; `user:password@` is sent as basic authentication. */
  readonly url: string;
  readonly bearerToken?: string;
  /** Whole answer, ms; default 10 s. */
  readonly timeoutMs?: number;
}

/** Instant queries over Prometheus' HTTP API. Every failure is an EnvironmentError with the address and what to do. */
export class PrometheusClient {
  readonly #http: HttpService;
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws ConfigError when the URL is none. */
  constructor(options: PrometheusOptions) {
    this.#http = new HttpService({
      name: 'Prometheus',
      url: options.url,
      remedy:
        "Give the address of the mesh's Prometheus with --prometheus-url (Istio's add-on: kubectl -n istio-system port-forward svc/prometheus 9090).",
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });
    this.#headers = options.bearerToken ? { authorization: `Bearer ${options.bearerToken}` } : {};
  }

  /** Without credentials. */
  get address(): string {
    return this.#http.address;
  }

  /** Evaluates a query at the server's now. Samples that are not finite are left out. */
  async instant(query: string, signal?: AbortSignal): Promise<readonly Sample[]> {
    const { data } = await this.#query(query, signal);
    if (data.resultType === 'scalar') return [{ labels: {}, value: parseSample(data.result[1]) }];
    return data.result
      .map(({ metric, value }) => ({ labels: metric, value: parseSample(value[1]) }))
      .filter(({ value }) => Number.isFinite(value));
  }

  /** The server's clock at the evaluation of a query, ms since the epoch. */
  async serverTimeMs(signal?: AbortSignal): Promise<number> {
    const { data } = await this.#query('vector(1)', signal);
    const point = data.resultType === 'scalar' ? data.result : data.result[0]?.value;
    if (!point) throw this.#http.error('E_PROMETHEUS', 'answers vector(1) with nothing');
    return point[0] * 1000;
  }

  /** How often the targets of a namespace are scraped, ms, the longest; undefined when the server does not tell (Prometheus before 2.28). */
  async scrapeIntervalMs(namespace: string, signal?: AbortSignal): Promise<number | undefined> {
    const query = { state: 'active' };
    const answer = await this.#http.json({
      method: 'GET',
      path: '/api/v1/targets',
      query,
      headers: this.#headers,
      signal,
    });
    const parsed = Targets.safeParse(answer);
    const intervals = (parsed.success ? parsed.data.data.activeTargets : [])
      .filter(({ labels }) => labels.namespace === namespace)
      .map(({ scrapeInterval }) => parsePrometheusDuration(scrapeInterval))
      .filter((interval) => interval > 0);
    return intervals.length === 0 ? undefined : Math.max(...intervals);
  }

  /** A command-line flag of the server, such as `web.enable-lifecycle`; undefined when it has none of this name, or does not tell. */
  async flag(name: string, signal?: AbortSignal): Promise<string | undefined> {
    const answer = await this.#http.call({
      method: 'GET',
      path: '/api/v1/status/flags',
      headers: this.#headers,
      signal,
    });
    if (answer.status === 401 || answer.status === 403) throw this.#http.refusal(answer);
    const parsed = answer.status === 200 ? Flags.safeParse(this.#http.parse(answer)) : undefined;
    return parsed?.success ? parsed.data.data[name] : undefined;
  }

  async #query(query: string, signal: AbortSignal | undefined) {
    // By POST: a selector with many alternatives may be longer than a URL may be.
    const answer = await this.#http.call({
      method: 'POST',
      path: '/api/v1/query',
      form: { query },
      headers: this.#headers,
      signal,
    });
    const failed = answer.status < 200 || answer.status > 299;
    // Prometheus' own errors are JSON; everything else comes from something in front of it.
    if (failed && !/json/i.test(String(answer.headers['content-type'] ?? ''))) throw this.#http.refusal(answer);
    const body = this.#http.parse(answer);
    const failure = Failure.safeParse(body);
    if (failure.success) {
      const { errorType, error } = failure.data;
      throw this.#http.error('E_PROMETHEUS', `refuses the query ${query}: ${errorType}: ${error}`);
    }
    if (failed) throw this.#http.refusal(answer);
    const success = Success.safeParse(body);
    if (!success.success) throw this.#http.error('E_PROMETHEUS', 'answers JSON that is no result of an instant query');
    return success.data;
  }
}

/** Prometheus writes infinities as `+Inf`, which Number() does not read. */
function parseSample(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** `1m30s` -> 90000; 0 for what is no duration. */
export function parsePrometheusDuration(text: string): number {
  if (!/^(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(text)) return 0;
  return [...text.matchAll(/(\d+)(h|ms|m|s)/g)].reduce(
    (sum, [, value, unit]) => sum + Number(value) * (DURATION_UNITS_MS[unit ?? ''] ?? 0),
    0,
  );
}

/** `{a="b",c=~"d"}` with its values quoted by PromQL's rules. */
export function selector(metric: string, matchers: readonly (readonly [string, '=' | '!=' | '=~', string])[]): string {
  const parts = matchers.map(([label, operator, value]) => `${label}${operator}${quote(value)}`);
  return `${metric}{${parts.join(',')}}`;
}

function quote(value: string): string {
  return `"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}
