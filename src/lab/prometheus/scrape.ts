import type { Agent } from 'undici';
import { request } from 'undici';
import { type Clock, sleep } from '../../base/clock.js';
import { errorText } from '../../base/errors.js';
import { millis } from '../../base/units.js';
import type { ScrapeTarget } from '../control/types.js';
import { ExpositionError, honorLabels, type MetricMetadata, parseExposition, parseIdentity } from './exposition.js';
import { type Labels, labelKey, METRIC_NAME, makeLabels } from './labels.js';
import type { Relabel } from './relabel.js';
import type { Series } from './series.js';
import type { Storage } from './storage.js';

/** What the targets page tells of one target. */
export interface TargetState {
  readonly target: ScrapeTarget;
  health: 'unknown' | 'up' | 'down';
  lastError: string;
  /** ms since the epoch, 0 before the first scrape. */
  lastScrapeMs: number;
  lastDurationMs: number;
}

export interface ScrapeContext {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly agent: Agent;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly metadata: Map<string, MetricMetadata>;
  /** Of every sample of a page. */
  readonly relabel: Relabel;
}

const PAGE_LIMIT = 64 * 1024 * 1024;
/** Scrapes that start this close to their due time are stamped with the due time, as Prometheus does, so that intervals are even. */
const TIMESTAMP_TOLERANCE_MS = 2;
const ACCEPT = 'text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

/** FNV-1a, to give every target its own phase within the interval. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

export const targetKey = (target: ScrapeTarget): string =>
  `${target.url} ${labelKey(makeLabels(Object.entries(target.labels)))}`;

/** Reads one target at the interval until stopped; then its series end with stale markers, as when a target disappears. */
export class ScrapeLoop {
  readonly state: TargetState;
  private readonly context: ScrapeContext;
  private readonly stopping = new AbortController();
  /** Series of the last good page by their text, so that an unchanged page costs no label parsing. */
  private known = new Map<string, Series>();
  private readonly report = new Map<string, Series>();
  private readonly finished: Promise<void>;

  constructor(target: ScrapeTarget, context: ScrapeContext) {
    this.state = { target, health: 'unknown', lastError: '', lastScrapeMs: 0, lastDurationMs: 0 };
    this.context = context;
    this.finished = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.finished;
  }

  private async run(): Promise<void> {
    const { clock, intervalMs } = this.context;
    const { signal } = this.stopping;
    const phase = hash(targetKey(this.state.target)) % intervalMs;
    const wall = clock.wallMs();
    let due = Math.ceil((wall - phase) / intervalMs) * intervalMs + phase;
    while (!signal.aborted) {
      await clock.sleepUntil(millis(clock.now() + (due - clock.wallMs())), signal);
      if (signal.aborted) break;
      const now = clock.wallMs();
      await this.scrape(Math.abs(now - due) <= TIMESTAMP_TOLERANCE_MS ? due : Math.round(now));
      // A scrape that took longer than the interval skips the missed instants instead of catching up.
      due += intervalMs * Math.max(1, Math.ceil((clock.wallMs() - due) / intervalMs));
    }
    this.endSeries([...this.known.values(), ...this.report.values()], Math.round(clock.wallMs()));
  }

  private async scrape(timeMs: number): Promise<void> {
    const { clock } = this.context;
    const began = clock.now();
    const page = await this.fetchPage().then(
      (text) => ({ text, error: '' }),
      (error: unknown) => ({ text: '', error: errorText(error) }),
    );
    if (this.stopping.signal.aborted) return;
    const durationMs = clock.now() - began;
    const outcome = { error: page.error, samples: 0, kept: 0, added: 0 };
    if (!page.error) {
      try {
        Object.assign(outcome, this.store(page.text, timeMs));
      } catch (error) {
        outcome.error = errorText(error);
        if (error instanceof ExpositionError) outcome.samples = outcome.kept = error.samplesBefore;
      }
    }
    if (outcome.error) {
      this.endSeries(this.known.values(), timeMs);
      this.known = new Map();
    }
    this.state.health = outcome.error ? 'down' : 'up';
    this.state.lastError = outcome.error;
    this.state.lastScrapeMs = timeMs;
    this.state.lastDurationMs = durationMs;
    try {
      this.writeReport(timeMs, durationMs, outcome);
    } catch (error) {
      // A full storage must not end the loop: the next sweep makes room.
      this.state.lastError = errorText(error);
    }
  }

  private async fetchPage(): Promise<string> {
    const { clock, agent, timeoutMs } = this.context;
    const deadline = new AbortController();
    const done = new AbortController();
    const stop = () => deadline.abort(new Error('the lab is closing'));
    this.stopping.signal.addEventListener('abort', stop, { once: true });
    void sleep(clock, timeoutMs, done.signal).then(() => {
      if (!done.signal.aborted) deadline.abort(new Error('context deadline exceeded'));
    });
    try {
      const response = await request(this.state.target.url, {
        dispatcher: agent,
        signal: deadline.signal,
        headers: {
          accept: ACCEPT,
          'user-agent': 'Prometheus/2.42.0',
          'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1000),
        },
      });
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        size += chunk.length;
        if (size > PAGE_LIMIT) throw new Error(`the page is larger than ${PAGE_LIMIT} bytes`);
        chunks.push(chunk);
      }
      if (response.statusCode !== 200) throw new Error(`server returned HTTP status ${response.statusCode}`);
      return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    } finally {
      done.abort();
      this.stopping.signal.removeEventListener('abort', stop);
    }
  }

  /** Nothing of the page is stored unless all of it can be read. */
  private store(text: string, timeMs: number): { samples: number; kept: number; added: number } {
    const { storage, metadata, relabel } = this.context;
    const page = parseExposition(text);
    const next = new Map<string, Series>();
    let added = 0;
    const rows = page.samples.flatMap(({ identity, value, timeMs: stated }) => {
      let series = this.known.get(identity);
      if (!series || series.forgotten) {
        const labels = relabel(honorLabels(parseIdentity(identity), this.state.target.labels));
        if (!labels) return [];
        series = storage.open(labels);
        added += 1;
      }
      // Samples with a time of their own have no stale markers: their absence says nothing.
      if (stated === undefined) next.set(identity, series);
      return [{ series, value, at: stated ?? timeMs }];
    });
    for (const { series, value, at } of rows) storage.append(series, at, value);
    const present = new Set(next.values());
    this.endSeries(
      [...this.known.values()].filter((series) => !present.has(series)),
      timeMs,
    );
    this.known = next;
    for (const [name, entry] of page.metadata) metadata.set(name, entry);
    return { samples: page.samples.length, kept: rows.length, added };
  }

  private endSeries(series: Iterable<Series>, timeMs: number): void {
    for (const each of series) if (!each.forgotten) this.context.storage.appendStale(each, timeMs);
  }

  private writeReport(
    timeMs: number,
    durationMs: number,
    outcome: { error: string; samples: number; kept: number; added: number },
  ): void {
    const values: Record<string, number> = {
      up: outcome.error ? 0 : 1,
      scrape_duration_seconds: durationMs / 1000,
      scrape_samples_scraped: outcome.samples,
      scrape_samples_post_metric_relabeling: outcome.kept,
      scrape_series_added: outcome.added,
    };
    for (const [name, value] of Object.entries(values)) {
      let series = this.report.get(name);
      if (!series || series.forgotten) {
        series = this.context.storage.open(this.reportLabels(name));
        this.report.set(name, series);
      }
      this.context.storage.append(series, timeMs, value);
    }
  }

  private reportLabels(name: string): Labels {
    return makeLabels([...Object.entries(this.state.target.labels), [METRIC_NAME, name]]);
  }
}
