import type { Cluster } from '../../mesh/types.js';

type OutlierPolicy = NonNullable<Cluster['outlier']>;

/** Envoy's default `max_ejection_time`. */
const LONGEST_EJECTION_MS = 300_000;

/** Envoy's default `update_merge_window`: a second change of a cluster's hosts within it waits for its end. */
const MERGE_WINDOW_MS = 1000;

const GATEWAY_ERRORS = new Set([502, 503, 504]);

/** What outlier detection remembers of one host. */
export class HostHealth {
  consecutive5xx = 0;
  consecutiveGateway = 0;
  ejections = 0;
  /** Clock times between which the host gets no traffic. */
  ejectedFrom = 0;
  ejectedUntil = 0;

  takesTraffic(now: number): boolean {
    return now < this.ejectedFrom || now >= this.ejectedUntil;
  }
}

/** Ejects hosts of one cluster that fail several times in a row, as Envoy's outlier detection does. */
export class OutlierDetector {
  private readonly startedAt: number;
  private lastChangeAt = Number.NEGATIVE_INFINITY;

  /** @param startedAt the first of the sweeps, an interval apart, that let ejected hosts back in. */
  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  /**
   * Takes in the outcome of one attempt.
   * @param status of the response; failures without one count as the 503 or 504 that the proxy answers.
   * @param all every host of the cluster, `health` included: at most `maxEjectionPercent` of them are out at a time.
   */
  report(policy: OutlierPolicy, health: HostHealth, status: number, now: number, all: readonly HostHealth[]): void {
    health.consecutive5xx = status >= 500 ? health.consecutive5xx + 1 : 0;
    health.consecutiveGateway = GATEWAY_ERRORS.has(status) ? health.consecutiveGateway + 1 : 0;
    const { consecutive5xx, consecutiveGateway = 0 } = policy;
    const tooMany5xx = consecutive5xx > 0 && health.consecutive5xx >= consecutive5xx;
    const tooManyGateway = consecutiveGateway > 0 && health.consecutiveGateway >= consecutiveGateway;
    if ((!tooMany5xx && !tooManyGateway) || health.ejectedUntil > now) return;
    const out = all.filter((other) => other.ejectedUntil > now).length;
    if (((out + 1) / all.length) * 100 > policy.maxEjectionPercent) return;
    this.eject(policy, health, now);
  }

  private eject(policy: OutlierPolicy, health: HostHealth, now: number): void {
    health.consecutive5xx = 0;
    health.consecutiveGateway = 0;
    health.ejections += 1;
    const longest = Math.max(policy.baseEjection, LONGEST_EJECTION_MS);
    const end = now + Math.min(policy.baseEjection * health.ejections, longest);
    const sweeps = policy.interval > 0 ? Math.ceil((end - this.startedAt) / policy.interval) : 0;
    health.ejectedUntil = Math.max(end, this.startedAt + sweeps * policy.interval);
    health.ejectedFrom = Math.max(now, this.lastChangeAt + MERGE_WINDOW_MS);
    this.lastChangeAt = health.ejectedFrom;
  }
}
