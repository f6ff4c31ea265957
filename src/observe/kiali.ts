import type { Clock } from '../base/clock.js';
import { explain } from './istioProxies.js';
import { countEdges, KialiGraph, trafficGraph } from './kialiGraph.js';
import { type KialiAuth, KialiSession } from './kialiSession.js';
import type { PrometheusClient } from './prometheus.js';
import type { Observation, Observer } from './types.js';
import type { WatchedService } from './versions.js';

export type { KialiAuth } from './kialiSession.js';

export interface KialiObserverOptions {
  /** With or without the base path `/kiali`. */
  readonly url: string;
  readonly auth: KialiAuth;
  readonly scenario: WatchedService;
  readonly clock: Clock;
  /** The Prometheus behind it: tells the scrape interval, and so how far Kiali's rates extrapolate. */
  readonly prometheus?: PrometheusClient;
  /** Whole answer, ms; default 10 s. */
  readonly timeoutMs?: number;
}

/** Rates have two decimals: an edge is off by at most half of the last one, over the whole window, and a request at each end of it. */
const RATE_ERROR = 0.005;

/**
 * The largest ratio by which `rate()` overstates what happened in a window: it stretches the increase between the first and the last
 * sample to the whole window, where each end lies less than 1.1 intervals from a sample.
 */
export function extrapolationBound(windowSeconds: number, scrapeIntervalMs: number): number {
  const gaps = Math.min((2.2 * scrapeIntervalMs) / 1000, windowSeconds / 2);
  return gaps / (windowSeconds - gaps);
}

/**
 * Kiali's versioned app graph with service nodes. It is a view of the same Prometheus through `rate()`, which extrapolates to the ends
 * of its window: counts are good for shares and for accounting, not for a decision.
 */
export function kialiObserver(options: KialiObserverOptions): Observer {
  const { scenario, clock } = options;
  const session = new KialiSession(options);
  let openedAt: number | undefined;
  let scrapeIntervalMs: number | undefined;

  const graph = async (endSeconds: number, windowSeconds: number, signal: AbortSignal | undefined) => {
    const answer = await session.get(
      '/api/namespaces/graph',
      {
        namespaces: scenario.namespace,
        graphType: 'versionedApp',
        injectServiceNodes: 'true',
        // Present but empty: none of the optional ones, whose queries cost much and say nothing about shares.
        appenders: '',
        duration: `${windowSeconds}s`,
        // Explicit, and no refresh interval: Kiali 2.21 and later otherwise answer from a cache that all anonymous callers share.
        queryTime: String(endSeconds),
        refreshInterval: '0',
      },
      signal,
    );
    const parsed = KialiGraph.safeParse(answer);
    if (!parsed.success) throw session.error('answers a graph of a form that is not known');
    return parsed.data;
  };
  const noData = (reason: string): Observation => ({ status: 'no-data', vantagePoint: 'graph', reason });

  return {
    vantagePoint: 'graph',
    async check(signal) {
      await session.connect(signal);
      await graph(Math.ceil(clock.wallMs() / 1000), 60, signal);
    },
    async open(signal) {
      // Only widens what is tolerated, so a server that does not tell is no reason to fail.
      scrapeIntervalMs = await options.prometheus?.scrapeIntervalMs(scenario.namespace, signal).catch(() => undefined);
      openedAt = Math.floor(clock.wallMs() / 1000);
    },
    async look(signal) {
      if (openedAt === undefined) return noData('the counting window was not opened');
      // Kiali's times are whole seconds; rounding outwards keeps the whole window inside.
      const now = Math.max(openedAt + 1, Math.ceil(clock.wallMs() / 1000));
      const seconds = now - openedAt;
      try {
        const seen = await graph(now, seconds, signal);
        const counts = countEdges(seen, scenario, seconds);
        if (!counts) {
          return noData(
            `Kiali at ${session.address} shows no request to ${scenario.service}.${scenario.namespace} in the last ${seconds} s; its rates need two scrapes`,
          );
        }
        return {
          status: 'ok',
          vantagePoint: 'graph',
          counts,
          rounding: RATE_ERROR * seconds + 1,
          ...(scrapeIntervalMs === undefined ? {} : { extrapolation: extrapolationBound(seconds, scrapeIntervalMs) }),
          graph: trafficGraph(seen),
          resets: 0,
        };
      } catch (error) {
        return noData(explain(error));
      }
    },
    // It holds nothing of its own: it is as settled as the proxies' counters in the Prometheus behind it.
    async settled() {
      return true;
    },
  };
}
