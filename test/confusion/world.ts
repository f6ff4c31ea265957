import { type Random, seededRandom } from '../../src/base/random.js';
import { millis } from '../../src/base/units.js';
import type { ClosedModel, OpenModel } from '../../src/scenario/types.js';

/** Sizes of a mistake: what the catalogue says, or drawn around it. */
interface Vary {
  /** A whole number of `low`..`high` instead of the catalogue's own. */
  whole(own: number, low: number, high: number): number;
  /** The same with two decimals. */
  part(own: number, low: number, high: number): number;
  one<T>(own: T, others: readonly T[]): T;
}

/** The application of a run, apart from its mistake. */
export interface World {
  readonly vary: Vary;
  /** Per cent of the calls that the stage promises to v2. */
  readonly canary: number;
  readonly pods: { readonly web: number; readonly v1: number; readonly v2: number };
  /** Largest harmless deviation of the share, 0..1. */
  readonly margin: number;
  readonly maxDurationMs: number;
  readonly load: OpenModel | ClosedModel;
  /** ms that shop takes for an answer. */
  readonly latencyMs: number;
  readonly scrapeIntervalMs: number;
  /** Names of the catalogue -> names in this run; others stay. */
  readonly names: Readonly<Record<string, string>>;
}

/** A run as the catalogue has it: the causes were made with these. */
export const HOME: World = {
  vary: { whole: (own) => own, part: (own) => own, one: (own) => own },
  canary: 10,
  pods: { web: 1, v1: 1, v2: 1 },
  margin: 0.05,
  maxDurationMs: 8000,
  load: { kind: 'open', ratePerSecond: 400, arrivals: 'constant', maxInFlight: 200 },
  latencyMs: 1,
  scrapeIntervalMs: 250,
  names: {},
};

const NAMES: Readonly<Record<string, readonly string[]>> = {
  shop: ['orders', 'catalog-api', 'checkout', 'reviews'],
  web: ['frontend', 'portal', 'productpage', 'bff'],
  batch: ['importer', 'nightly', 'reporting'],
  ingress: ['edge', 'public-gateway'],
  market: ['prod', 'team-blue', 'store-eu', 'apps'],
};
const VERSIONS: readonly (readonly [string, string])[] = [
  ['v1', 'v2'],
  ['blue', 'green'],
  ['stable', 'next'],
  ['r41', 'r42'],
  ['old', 'new'],
];

/** A run that nobody looked at while the causes were made: everything is drawn from the seed. */
export function heldOut(seed: number, stream: number): World {
  const random = seededRandom(seed, stream);
  const vary = drawing(random);
  const one = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const v1 = one([1, 2, 2, 3]);
  const v2 = one(v1 === 1 ? [1] : [1, 2]);
  // What balancing over the pods makes is another share, or a route that is not in force breaks no promise.
  const canary = one([8, 10, 15, 20, 25, 30].filter((share) => (100 * v2) / (v1 + v2) - share >= 15));
  const [older, newer] = one(VERSIONS);
  const names = Object.fromEntries(Object.entries(NAMES).map(([name, others]) => [name, one(others)]));
  return {
    vary,
    canary,
    margin: Math.min(0.06, 0.004 * canary),
    maxDurationMs: 20_000,
    // A version that is released has no more pods than the one it replaces.
    pods: { web: one([1, 1, 2, 3]), v1, v2 },
    load: loadOf(one, vary),
    latencyMs: vary.whole(1, 0, 12),
    scrapeIntervalMs: one([250, 500, 1000]),
    names: { ...names, v1: older, v2: newer },
  };
}

function loadOf(one: <T>(from: readonly T[]) => T, vary: Vary): World['load'] {
  const ratePerSecond = vary.whole(400, 250, 450);
  if (one([true, true, false])) {
    return { kind: 'open', ratePerSecond, arrivals: one(['constant', 'poisson'] as const), maxInFlight: 200 };
  }
  return {
    kind: 'closed',
    users: vary.whole(20, 16, 30),
    thinkTime: { kind: 'uniform', minMs: millis(20), maxMs: millis(90) },
  };
}

function drawing(random: Random): Vary {
  const whole = (_own: number, low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  return {
    whole,
    part: (own, low, high) => whole(100 * own, Math.round(100 * low), Math.round(100 * high)) / 100,
    one: (own, others) => [own, ...others][Math.floor(random() * (others.length + 1))] as typeof own,
  };
}

/** Gives things of a run the names of its world: words in texts, and keys. */
export type Rename = <T>(value: T) => T;

export function renaming({ names }: World): Rename {
  const words = Object.keys(names);
  if (words.length === 0) return (value) => value;
  const pattern = new RegExp(`\\b(${words.join('|')})\\b`, 'g');
  const text = (of: string) => of.replace(pattern, (word) => names[word] ?? word);
  const named = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(named);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      // The version of an API is no version of the shop.
      Object.entries(value).map(([key, each]) => (key === 'apiVersion' ? [key, each] : [text(key), named(each)])),
    );
  };
  return <T>(value: T) => named(value) as T;
}
