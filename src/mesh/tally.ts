import type { Sent } from './receivers.js';
import type { Endpoint } from './types.js';

export interface Prediction {
  /** Version -> share of the first attempts it receives; `unknown` where a pod has no version, or nobody can tell who answers. */
  readonly share: Readonly<Record<string, number>>;
  /** `<status> <response flag>` -> share that ends at the proxy. Together with `share` this sums to 1. */
  readonly failed: Readonly<Record<string, number>>;
  /** Version -> copies per request; `lost`: copies that arrive nowhere. */
  readonly mirrored: Readonly<Record<string, number>>;
  /** How the caller's proxy treats the connection. `none`: it refuses it. */
  readonly protocol: 'http' | 'tcp' | 'passthrough' | 'none';
}

export type VersionOf = (labels: Readonly<Record<string, string>>) => string | undefined;

/** How a part comes to an endpoint. */
export type Arriving = Pick<Sent, 'cluster' | 'unit'> & Partial<Pick<Sent, 'path'>>;
/** `status flag` of a part that the endpoint refuses; undefined: it arrives. */
type RefusalOf = (endpoint: Endpoint, sent: Arriving) => string | undefined;

/** Adds up where the parts of a request end. */
export class Tally {
  private readonly share: Record<string, number> = {};
  private readonly failed: Record<string, number> = {};
  private readonly mirrored: Record<string, number> = {};
  private readonly versionOf: VersionOf;
  readonly refusalOf: RefusalOf;

  constructor(versionOf: VersionOf, refusalOf: RefusalOf) {
    this.versionOf = versionOf;
    this.refusalOf = refusalOf;
  }

  version(endpoint: Endpoint): string {
    return this.versionOf(endpoint.labels) ?? 'unknown';
  }

  arrive(version: string, amount: number): void {
    add(this.share, version, amount);
  }

  fail(how: string, amount: number): void {
    add(this.failed, how, amount);
  }

  copy(version: string, amount: number): void {
    add(this.mirrored, version, amount);
  }

  result(protocol: Prediction['protocol']): Prediction {
    return { share: tidy(this.share), failed: tidy(this.failed), mirrored: tidy(this.mirrored), protocol };
  }
}

function add(counts: Record<string, number>, key: string, amount: number): void {
  if (amount > 0) counts[key] = (counts[key] ?? 0) + amount;
}

/** Twelve digits hide the noise of adding parts of one pod each, and keep sums at 1 to that precision. */
export const tidy = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, Number(value.toFixed(12))]),
  );
