import type { CountedSide, CountingSide } from '../../mesh/telemetry.js';
import { labelText, type SeriesFacts } from './labels.js';

/** Envoy's default histogram bounds; Istio uses them for milliseconds and for bytes alike. */
const BOUNDS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
] as const;

const ISTIO_VERSION = '1.31.0';

class Histogram {
  /** Per bucket, not cumulated; the last is +Inf. */
  private readonly counts = new Array<number>(BOUNDS.length + 1).fill(0);
  private sum = 0;
  private count = 0;

  observe(value: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && value > (BOUNDS[bucket] ?? 0)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }

  render(name: string, labels: string, out: string[]): void {
    let cumulated = 0;
    for (let i = 0; i < BOUNDS.length; i++) {
      cumulated += this.counts[i] ?? 0;
      out.push(`${name}_bucket{${labels},le="${BOUNDS[i]}"} ${cumulated}\n`);
    }
    out.push(`${name}_bucket{${labels},le="+Inf"} ${this.count}\n`);
    out.push(`${name}_sum{${labels}} ${this.sum}\n${name}_count{${labels}} ${this.count}\n`);
  }
}

/** One label set of the HTTP metrics. */
export class HttpSeries {
  readonly labels: string;
  requests = 0;
  readonly duration = new Histogram();
  readonly requestBytes = new Histogram();
  readonly responseBytes = new Histogram();

  constructor(labels: string) {
    this.labels = labels;
  }

  /** Counts one finished request. */
  count(durationMs: number, requestBytes: number, responseBytes: number): void {
    this.requests += 1;
    this.duration.observe(Math.round(durationMs));
    this.requestBytes.observe(requestBytes);
    this.responseBytes.observe(responseBytes);
  }
}

/** One label set of the TCP metrics. */
export class TcpSeries {
  readonly labels: string;
  opened = 0;
  closed = 0;
  /** Bytes of the response direction. */
  sentBytes = 0;
  receivedBytes = 0;

  constructor(labels: string) {
    this.labels = labels;
  }
}

/** What Telemetry objects leave of a proxy's metrics, by the side that counts. */
type Told = Readonly<Record<CountingSide, Pick<CountedSide, 'dropped' | 'everything' | 'labels'>>>;

const NOTHING_CHANGED = { dropped: undefined, everything: false, labels: new Map() } as const;

/** Series by a cheap key; keys whose labels are equal share one series, since a page must not name a series twice. */
class SeriesCache<S> {
  private readonly byKey = new Map<string, S>();
  private readonly byLabels = new Map<string, S>();
  private readonly make: (labels: string) => S;

  constructor(make: (labels: string) => S) {
    this.make = make;
  }

  get(key: string, facts: () => SeriesFacts, told: Told): S {
    const cached = this.byKey.get(key);
    if (cached) return cached;
    const known = facts();
    const side = told[known.reporter === 'source' ? 'client' : 'server'];
    const removed = [...side.labels].flatMap(([label, change]) => (change.removed ? [label] : []));
    const labels = labelText(known, removed);
    const series = this.byLabels.get(labels) ?? this.make(labels);
    // What nobody is told is counted all the same, and shown nowhere.
    if (!side.everything) this.byLabels.set(labels, series);
    this.byKey.set(key, series);
    return series;
  }

  clear(): void {
    this.byKey.clear();
    this.byLabels.clear();
  }

  all(): S[] {
    return [...this.byLabels.values()];
  }
}

const sideOf = (labels: string): CountingSide => (labels.includes('reporter="source"') ? 'client' : 'server');

/** Istio's standard metrics of one proxy. */
export class IstioMetrics {
  private readonly http = new SeriesCache((labels) => new HttpSeries(labels));
  private readonly tcp = new SeriesCache((labels) => new TcpSeries(labels));
  private told: Told = { client: NOTHING_CHANGED, server: NOTHING_CHANGED };

  /** A change of what is told begins all counters anew. */
  configure(told: Told): void {
    const text = ({ client, server }: Told) =>
      JSON.stringify([client, server].map((side) => [side.dropped, side.everything, [...side.labels]]));
    if (text(told) === text(this.told)) return;
    this.told = told;
    this.http.clear();
    this.tcp.clear();
  }

  /** The series of a cache key; `facts` is asked only when the key is new. The key must tell label sets apart. */
  httpSeries(key: string, facts: () => SeriesFacts): HttpSeries {
    return this.http.get(key, facts, this.told);
  }

  tcpSeries(key: string, facts: () => SeriesFacts): TcpSeries {
    return this.tcp.get(key, facts, this.told);
  }

  /** Text exposition format 0.0.4, as Envoy writes it: types, no help. */
  render(): string {
    const out: string[] = [];
    const counter = <S extends { labels: string }>(name: string, all: Iterable<S>, value: (series: S) => number) => {
      out.push(`# TYPE ${name} counter\n`);
      for (const series of all) out.push(`${name}{${series.labels}} ${value(series)}\n`);
    };
    const http = this.http.all();
    if (http.length > 0) {
      const counted = http.filter(({ labels }) => !this.told[sideOf(labels)].dropped);
      if (counted.length > 0) counter('istio_requests_total', counted, (series) => series.requests);
      const histogram = (name: string, of: (series: HttpSeries) => Histogram) => {
        out.push(`# TYPE ${name} histogram\n`);
        for (const series of http) of(series).render(name, series.labels, out);
      };
      histogram('istio_request_duration_milliseconds', (series) => series.duration);
      histogram('istio_request_bytes', (series) => series.requestBytes);
      histogram('istio_response_bytes', (series) => series.responseBytes);
    }
    const tcp = this.tcp.all();
    if (tcp.length > 0) {
      counter('istio_tcp_connections_opened_total', tcp, (series) => series.opened);
      counter('istio_tcp_connections_closed_total', tcp, (series) => series.closed);
      counter('istio_tcp_sent_bytes_total', tcp, (series) => series.sentBytes);
      counter('istio_tcp_received_bytes_total', tcp, (series) => series.receivedBytes);
    }
    out.push(`# TYPE istio_build gauge\nistio_build{component="proxy",tag="${ISTIO_VERSION}"} 1\n`);
    return out.join('');
  }
}
