import { LatencyHistogram } from '../latency.js';
import type { HistogramData, ResponseTimeData } from '../loadRun.js';
import type { AnswerAccount } from '../marker.js';
import { ResponseTimes } from '../responseTimes.js';
import { mergeHistograms } from '../snapshot.js';
import { Tally } from '../tally.js';
import type { ClientCounts, LoadSpec } from '../types.js';
import { METRICS, UNKNOWN, UNMARKED } from './contract.js';
import type { Point, Tags } from './stream.js';
import type { K6EndOfTest } from './summary.js';

/** The client's books of a load that k6 sends, kept from the samples that it writes. */
export class K6Books {
  /** Requests that have ended. */
  ended = 0;
  late = 0;
  dropped = 0;
  readonly #tally: Tally;
  readonly #versions: readonly string[];
  readonly #uris: Map<string, number>;
  readonly #earlier = new LatencyHistogram();
  readonly #window = new LatencyHistogram();
  readonly #responseTimes: ResponseTimes | undefined;
  readonly #accounts = new WeakMap<Tags, Account>();
  readonly #byVersion = new Map<string, number>();
  #failed = 0;
  #firstTime: string | undefined;
  #lastTime: string | undefined;
  #onChange: () => void = () => undefined;

  /** @param uris names of the requests, without repetition. */
  constructor(
    uris: readonly string[],
    { marker, defaultVersion, responseTimes }: Pick<LoadSpec, 'marker' | 'defaultVersion' | 'responseTimes'>,
  ) {
    this.#versions = [
      ...new Set([...Object.keys(marker?.versions ?? {}), ...(defaultVersion === undefined ? [] : [defaultVersion])]),
    ];
    this.#tally = new Tally(uris, this.#versions);
    this.#uris = new Map(uris.map((uri, index) => [uri, index]));
    this.#responseTimes = responseTimes && new ResponseTimes(responseTimes);
  }

  get sent(): number {
    return this.#tally.sent;
  }

  /** From the first request to the last answer, by k6's clock. */
  get seconds(): number {
    if (this.#firstTime === undefined || this.#lastTime === undefined) return 0;
    return Math.max(0, (Date.parse(this.#lastTime) - Date.parse(this.#firstTime)) / 1000);
  }

  /** Called after each request that has ended. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** A key of `ClientCounts.errors`. */
  errorCount(kind: string): number {
    return this.#tally.errorCount(kind);
  }

  counts(): ClientCounts {
    return this.#tally.counts(this.dropped);
  }

  /** What the totals at the end must be. */
  totals(): Omit<K6EndOfTest, 'iterations' | 'responseTime'> {
    return {
      requests: this.sent,
      answers: this.ended,
      failed: this.#failed,
      versions: Object.fromEntries(this.#byVersion),
      late: this.late,
      dropped: this.dropped,
    };
  }

  resetWindow(): void {
    this.#earlier.add(this.#window);
    this.#window.reset();
    this.#responseTimes?.reset();
  }

  /** Response times of the window, and of the whole load. */
  responseTime(of: 'window' | 'run'): HistogramData {
    const window = this.#window.data();
    return of === 'window' ? window : mergeHistograms([this.#earlier.data(), window]);
  }

  windowResponseTimes(): ResponseTimeData | undefined {
    return this.#responseTimes?.data();
  }

  take({ metric, value, tags, time }: Point): void {
    switch (metric) {
      case METRICS.requests:
        this.#firstTime ??= time;
        this.#tally.send();
        return;
      case METRICS.answers:
        this.#lastTime = time;
        this.#end(tags);
        return;
      case METRICS.responseTime:
        this.#window.record(value);
        this.#responseTimes?.record(value, this.#known(tags.version));
        return;
      case METRICS.late:
        this.late += value;
        return;
      case 'dropped_iterations':
        this.dropped += value;
        return;
      case 'data_received':
        this.#tally.receive(value);
    }
  }

  #end(tags: Tags): void {
    const { uri, status, account, broken } = this.#accountOf(tags);
    if (broken === undefined) this.#tally.answered(uri, status, account);
    else this.#tally.broken(uri, broken);
    this.ended++;
    if (tags.outcome === 'failed') this.#failed++;
    const version = tags.version ?? UNMARKED;
    this.#byVersion.set(version, (this.#byVersion.get(version) ?? 0) + 1);
    this.#onChange();
  }

  /** Parsed once for each set of tags, of which the stream keeps one object each. */
  #accountOf(tags: Tags): Account {
    let account = this.#accounts.get(tags);
    if (!account) {
      const { status = '0', outcome, error = 'other' } = tags;
      account = {
        uri: this.#uriOf(tags.uri ?? ''),
        status: Number(status),
        account: outcome === 'failed' ? failed(error) : this.#good(tags.version),
        broken: outcome === 'failed' && status === '0' ? error : undefined,
      };
      this.#accounts.set(tags, account);
    }
    return account;
  }

  #good(tag: string | undefined): AnswerAccount {
    const version = this.#known(tag);
    return version === undefined ? { kind: 'unmarked' } : { kind: 'version', version };
  }

  #known(version: string | undefined): string | undefined {
    return version === undefined || version === UNMARKED || version === UNKNOWN || !this.#versions.includes(version)
      ? undefined
      : version;
  }

  /** A script of one's own may ask for what is not in the list. */
  #uriOf(uri: string): number {
    const known = this.#uris.get(uri);
    if (known !== undefined) return known;
    const index = this.#tally.addUri(uri);
    this.#uris.set(uri, index);
    return index;
  }
}

interface Account {
  readonly uri: number;
  readonly status: number;
  readonly account: AnswerAccount;
  /** There was no answer. */
  readonly broken: string | undefined;
}

const failed = (error: string): AnswerAccount => ({
  kind: 'failed',
  reason: error === 'offline-page' ? 'offline-page' : 'status',
});

/**
 * What k6 counted itself against what it wrote sample by sample.
 * @param place where the samples stand.
 * @returns a sentence for each that differs; none: they agree.
 */
export function differences(stream: ReturnType<K6Books['totals']>, end: K6EndOfTest, place = 'its samples'): string[] {
  const versions = new Set([...Object.keys(stream.versions), ...Object.keys(end.versions)]);
  const rows: readonly (readonly [string, number, number])[] = [
    ['requests', stream.requests, end.requests],
    ['answers', stream.answers, end.answers],
    ['failed', stream.failed, end.failed],
    ['late', stream.late, end.late],
    ['dropped', stream.dropped, end.dropped],
    ...[...versions].map((name) => [name, stream.versions[name] ?? 0, end.versions[name] ?? 0] as const),
  ];
  return rows
    .filter(([, read, told]) => read !== told)
    .map(([what, read, told]) => `${what}: ${read} in ${place}, ${told} in its totals`);
}
