import type { Clock } from '../base/clock.js';
import { errorText, WeighbridgeError } from '../base/errors.js';
import { CounterGrowth } from './counters.js';
import { scrapedTargets, seriesFacts, targetsOf } from './evidence.js';
import {
  CONNECTIONS,
  countAll,
  countByProxy,
  countRequests,
  DURATION_COUNT,
  DURATION_SUM,
  failingTargets,
  frontDoorSelectors,
  newestSamples,
  oldestScrape,
  oldestTargetScrape,
  serviceSelectors,
  sumByVersion,
} from './istioCounts.js';
import type { PrometheusClient, Sample } from './prometheus.js';
import type { Evidence, Observation, Observer } from './types.js';
import type { WatchedService } from './versions.js';

export interface IstioObserverOptions {
  /** source: the caller's proxies decide a share. destination: the service's proxies, which also see mirror copies and retries. */
  readonly vantagePoint: 'source' | 'destination';
  readonly scenario: WatchedService;
  readonly prometheus: PrometheusClient;
  readonly clock: Clock;
}

/** Istio's standard metrics as the proxies of one side count them, read from Prometheus as raw counters. */
export function istioObserver(options: IstioObserverOptions): Observer {
  return new IstioObserver(options);
}

class IstioObserver implements Observer {
  readonly vantagePoint: 'source' | 'destination';
  readonly #watched: WatchedService;
  readonly #prometheus: PrometheusClient;
  readonly #clock: Clock;
  readonly #service: readonly string[];
  readonly #frontDoor: readonly string[];
  /** Source only: connections, ms and measured requests, in this order. */
  readonly #details: readonly (readonly string[])[];
  #growth: { service: CounterGrowth; frontDoor: CounterGrowth; details: readonly CounterGrowth[] } | undefined;
  #skewMs: number | undefined;

  constructor({ vantagePoint, scenario, prometheus, clock }: IstioObserverOptions) {
    this.vantagePoint = vantagePoint;
    this.#watched = scenario;
    this.#prometheus = prometheus;
    this.#clock = clock;
    this.#service = serviceSelectors(vantagePoint, scenario);
    this.#frontDoor = vantagePoint === 'destination' ? frontDoorSelectors(scenario) : [];
    const details = vantagePoint === 'source' ? [CONNECTIONS, DURATION_SUM, DURATION_COUNT] : [];
    this.#details = details.map((metric) => serviceSelectors(vantagePoint, scenario, metric));
  }

  async check(signal?: AbortSignal): Promise<void> {
    this.#skewMs = await this.#measureSkew(signal);
  }

  async open(signal?: AbortSignal): Promise<void> {
    const { service, frontDoor, details } = await this.#read(signal);
    this.#growth = {
      service: new CounterGrowth(service),
      frontDoor: new CounterGrowth(frontDoor),
      details: details.map((samples) => new CounterGrowth(samples)),
    };
  }

  async look(signal?: AbortSignal): Promise<Observation> {
    const growth = this.#growth;
    if (!growth) return this.#noData('the counting window was not opened');
    try {
      const { service, frontDoor, details } = await this.#read(signal);
      growth.service.update(service);
      growth.frontDoor.update(frontDoor);
      for (const [index, samples] of details.entries()) growth.details[index]?.update(samples);
    } catch (error) {
      return this.#noData(explain(error));
    }
    const rows = growth.service.rows();
    const [connections, sums, measured] = growth.details.map((detail) => detail.rows());
    if (rows.length === 0 && !connections?.length) return this.#noData(this.#nothingReported());
    return {
      status: 'ok',
      vantagePoint: this.vantagePoint,
      counts: countRequests(rows, this.#watched),
      rounding: 0,
      resets: growth.service.resets,
      ...(this.vantagePoint === 'destination' ? { frontDoor: countAll(growth.frontDoor.rows()) } : {}),
      ...(this.vantagePoint === 'source' ? this.#sourceDetails(rows, connections, sums, measured) : {}),
    };
  }

  /**
   * Every series that is read has a sample later than that, and so has every target of the namespace: a pod whose first request is
   * still to be scraped has no series yet, but its target is known by `up`. A target whose scrape just failed is waited for, one that
   * was never up is not.
   */
  async settled(wallMs: number, signal?: AbortSignal): Promise<boolean> {
    this.#skewMs ??= await this.#measureSkew(signal);
    const [series, targets, failing] = await Promise.all(
      [
        oldestScrape([...this.#service, ...this.#frontDoor]),
        oldestTargetScrape(this.#watched.namespace),
        failingTargets(this.#watched.namespace),
      ].map((query) => this.#prometheus.instant(query, signal)),
    );
    const scrapes = [...(series ?? []), ...(targets ?? [])].map(({ value }) => value * 1000);
    return failing?.length === 0 && scrapes.length > 0 && Math.min(...scrapes) > wallMs + this.#skewMs;
  }

  async evidence(signal?: AbortSignal): Promise<Evidence> {
    const facts = this.#growth && seriesFacts(this.#growth.service.rows(), this.#watched);
    if (this.vantagePoint === 'source') return facts ? { source: facts } : {};
    const targets = await this.#prometheus
      .instant(scrapedTargets(this.#watched.namespace), signal)
      .then(targetsOf, () => undefined);
    return { ...(facts ? { destination: facts } : {}), ...(targets ? { targets } : {}) };
  }

  async #read(signal: AbortSignal | undefined) {
    const newest = (selectors: readonly string[]) => this.#prometheus.instant(newestSamples(selectors), signal);
    const [service, frontDoor, ...details] = await Promise.all([
      newest(this.#service),
      this.#frontDoor.length > 0 ? newest(this.#frontDoor) : [],
      ...this.#details.map(newest),
    ]);
    return { service, frontDoor, details };
  }

  #sourceDetails(
    rows: readonly Sample[],
    connections: readonly Sample[] = [],
    sums: readonly Sample[] = [],
    measured: readonly Sample[] = [],
  ): Partial<Extract<Observation, { status: 'ok' }>> {
    const sumMs = sumByVersion(sums, this.#watched);
    const counts = Object.entries(sumByVersion(measured, this.#watched));
    return {
      proxies: countByProxy(rows, this.#watched),
      ...(connections.length > 0 ? { connections: sumByVersion(connections, this.#watched) } : {}),
      durations: Object.fromEntries(counts.map(([name, count]) => [name, { count, sumMs: sumMs[name] ?? 0 }])),
    };
  }

  /** How far Prometheus' clock is ahead of ours, ms; 0 when the difference is within the time that asking takes. */
  async #measureSkew(signal: AbortSignal | undefined): Promise<number> {
    const before = this.#clock.wallMs();
    const server = await this.#prometheus.serverTimeMs(signal);
    const after = this.#clock.wallMs();
    return server >= before - 1 && server <= after + 1 ? 0 : server - (before + after) / 2;
  }

  #noData(reason: string): Observation {
    return { status: 'no-data', vantagePoint: this.vantagePoint, reason };
  }

  #nothingReported(): string {
    const { service, namespace, from } = this.#watched;
    const proxies = this.vantagePoint === 'source' ? `${from ?? 'a caller'}'s proxy` : `the proxies of ${service}`;
    return `Prometheus at ${this.#prometheus.address} has no istio_requests_total of ${service}.${namespace} with reporter="${this.vantagePoint}": no request passed ${proxies}, or they are not scraped`;
  }
}

/** What an observation says of an error: the message, and the remedy where there is one. */
export function explain(error: unknown): string {
  const hint = error instanceof WeighbridgeError && error.hint ? ` ${error.hint}` : '';
  return `${errorText(error)}.${hint}`;
}
