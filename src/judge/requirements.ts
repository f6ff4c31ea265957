import { atOdds, boundaryRule } from './boundary.js';
import { alarmRate, errorCeiling } from './errors.js';
import { type SequentialRule, shareGate } from './gate.js';
import { divergence } from './numerics.js';
import { type OperatingCharacteristics, operatingCharacteristics } from './operating.js';
import { roughCap } from './scale.js';
import { passThreshold } from './threshold.js';

/** A rule by its parameters, so that its characteristics can be computed once and kept. */
export type RuleSpec =
  | {
      readonly kind: 'gate';
      readonly share: number;
      readonly margin: number;
      readonly alpha: number;
      readonly beta: number;
      /** Deviation that must not alarm; default 0. */
      readonly quiet?: number;
    }
  | {
      readonly kind: 'ceiling';
      readonly max: number;
      readonly absence: number;
      readonly alpha: number;
      readonly beta: number;
    }
  | { readonly kind: 'limit'; readonly bound: number; readonly alpha: number; readonly beta: number };

/** The rule of a specification; a gate passes at the smallest threshold that its exact misses allow. */
export function ruleFor(spec: RuleSpec): SequentialRule {
  switch (spec.kind) {
    case 'gate':
      return shareGate({ ...spec, passAt: passThreshold(spec) });
    case 'ceiling':
      return errorCeiling(spec);
    case 'limit':
      return boundaryRule(spec);
  }
}

/** Share of promise-keeping stages that a cap may leave undecided is 1 minus this. */
export const CAP_QUANTILE = 0.9999;
/** Problems that are expected to need more requests than this are computed on a coarser scale. */
const EXACT_UP_TO = 100_000;

export interface Characteristics {
  readonly seen: OperatingCharacteristics;
  /** False: computed on a coarser scale and stretched. */
  readonly exact: boolean;
  /** Requests here are requests of the computation times this. */
  readonly stretch: number;
}

const memo = new Map<string, Characteristics>();

/**
 * Characteristics of a rule when the true share is `truth`. Large problems are computed with margins and deviations s times as large, and their
 * request counts stretched by s squared (diffusion limit); shares near 0 or 1 with all of them s times as large, stretched by s (Poisson limit).
 * A truth far from the promise is decided soon, so it is computed as it is.
 */
export function characteristics(spec: RuleSpec, truth: number): Characteristics {
  const key = JSON.stringify([spec, truth]);
  const known = memo.get(key);
  if (known) return known;
  const { spec: smaller, stretch, at } = coarse(spec, truth);
  const rule = ruleOn(smaller, spec);
  const result = { seen: operatingCharacteristics(rule, at), exact: stretch === 1, stretch };
  memo.set(key, result);
  return result;
}

export const characteristicsWhenHeld = (spec: RuleSpec): Characteristics => characteristics(spec, promisedBy(spec));

/** The truth under which all is as promised; of a limit, which is no point, that with half the odds. */
export function promisedBy(spec: RuleSpec): number {
  switch (spec.kind) {
    case 'gate':
      return spec.share;
    case 'ceiling':
      return spec.max;
    case 'limit':
      return atOdds(spec.bound, 1 / 2);
  }
}

/** Largest probability of a pass although the promise is broken by exactly the margin, on either side. */
export const missProbability = (spec: RuleSpec): number =>
  Math.max(0, ...harmfulShares(spec).map((truth) => characteristics(spec, truth).seen.pass));

/** The deviations that must be caught, those that a share can have. */
export function harmfulShares(spec: RuleSpec): number[] {
  if (spec.kind === 'ceiling') return [alarmRate(spec.max)];
  if (spec.kind === 'limit') return [atOdds(spec.bound, 2)];
  return [spec.share + spec.margin, spec.share - spec.margin].filter((truth) => truth > 0 && truth < 1);
}

/** Requests at which an undecided check gives up. */
export function capFor(spec: RuleSpec): number {
  const { seen, stretch } = characteristicsWhenHeld(spec);
  return Math.ceil(seen.quantile(CAP_QUANTILE) * stretch);
}

/** A rule on another scale keeps the threshold of the problem that it stands for. */
function ruleOn(scaled: RuleSpec, original: RuleSpec): SequentialRule {
  if (scaled.kind !== 'gate' || original.kind !== 'gate') return ruleFor(scaled);
  return shareGate({ ...scaled, passAt: passThreshold(original) });
}

interface Scaled {
  readonly spec: RuleSpec;
  readonly stretch: number;
  /** The truth on that scale. */
  readonly at: number;
}

function coarse(spec: RuleSpec, truth: number): Scaled {
  if (spec.kind === 'ceiling') return coarseCeiling(spec, truth);
  if (spec.kind === 'limit') return coarseLimit(spec, truth);
  const { share, margin, quiet = 0 } = spec;
  const same = { spec, stretch: 1, at: truth };
  const excess = roughCap(share, margin, spec.beta) / EXACT_UP_TO;
  if (excess <= 1 || Math.abs(truth - share) > 2 * margin) return same;
  const rare = Math.min(share, 1 - share);
  if (rare < 0.02) {
    const s = Math.min(excess, 0.05 / rare);
    const scaled = share < 0.5 ? rare * s : 1 - rare * s;
    const next = coarse({ ...spec, share: scaled, margin: margin * s, quiet: quiet * s }, scaled + (truth - share) * s);
    return { ...next, stretch: next.stretch * s };
  }
  const s = Math.sqrt(excess);
  return {
    spec: { ...spec, margin: margin * s, quiet: quiet * s },
    stretch: s * s,
    at: Math.min(1, Math.max(0, share + (truth - share) * s)),
  };
}

function coarseCeiling(spec: RuleSpec & { readonly kind: 'ceiling' }, truth: number): Scaled {
  const { max, beta } = spec;
  const same = { spec, stretch: 1, at: truth };
  if (max === 0 || truth > 4 * max) return same;
  const s = Math.min((-5 * Math.log(beta)) / divergence(max, alarmRate(max)) / EXACT_UP_TO, 0.02 / max);
  return s <= 1 ? same : { spec: { ...spec, max: max * s }, stretch: s, at: truth * s };
}

function coarseLimit(spec: RuleSpec & { readonly kind: 'limit' }, truth: number): Scaled {
  const { bound, beta } = spec;
  const same = { spec, stretch: 1, at: truth };
  if (truth > 4 * bound) return same;
  const s = Math.min((-5 * Math.log(beta)) / divergence(promisedBy(spec), bound) / EXACT_UP_TO, 0.02 / bound);
  return s <= 1 ? same : { spec: { ...spec, bound: bound * s }, stretch: s, at: truth * s };
}
