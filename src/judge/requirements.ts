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
    };

/** The rule of a specification; a gate passes at the smallest threshold that its exact misses allow. */
export const ruleFor = (spec: RuleSpec): SequentialRule =>
  spec.kind === 'gate' ? shareGate({ ...spec, passAt: passThreshold(spec) }) : errorCeiling(spec);

/** Share of promise-keeping stages that a cap may leave undecided is 1 minus this. */
export const CAP_QUANTILE = 0.9999;
/** Problems that are expected to need more requests than this are computed on a coarser scale. */
const EXACT_UP_TO = 100_000;

export interface Characteristics {
  readonly held: OperatingCharacteristics;
  /** False: computed on a coarser scale and stretched. */
  readonly exact: boolean;
  /** Requests here are requests of the computation times this. */
  readonly stretch: number;
}

const memo = new Map<string, Characteristics>();
const misses = new Map<string, number>();

/**
 * Characteristics of a rule when the promise holds. Large problems are computed with a margin s times as large, and their request counts
 * stretched by s squared (diffusion limit); shares near 0 or 1 with share and margin s times as large, stretched by s (Poisson limit).
 */
export function characteristicsWhenHeld(spec: RuleSpec): Characteristics {
  const key = JSON.stringify(spec);
  const known = memo.get(key);
  if (known) return known;
  const { rule, stretch } = computable(spec);
  const result = { held: operatingCharacteristics(rule, rule.promised), exact: stretch === 1, stretch };
  memo.set(key, result);
  return result;
}

/** Largest probability of a pass although the promise is broken by exactly the margin, on either side. */
export function missProbability(spec: RuleSpec): number {
  const key = JSON.stringify(spec);
  const known = misses.get(key);
  if (known !== undefined) return known;
  const { rule } = computable(spec);
  const miss = Math.max(0, ...rule.harmful.map((share) => operatingCharacteristics(rule, share).pass));
  misses.set(key, miss);
  return miss;
}

/** Requests at which an undecided check gives up. */
export function capFor(spec: RuleSpec): number {
  const { held, stretch } = characteristicsWhenHeld(spec);
  return Math.ceil(held.quantile(CAP_QUANTILE) * stretch);
}

/** The rule on a scale that can be computed; it keeps the threshold of the problem that it stands for. */
function computable(spec: RuleSpec): { rule: SequentialRule; stretch: number } {
  const { spec: smaller, stretch } = coarse(spec);
  if (spec.kind === 'ceiling' || smaller.kind === 'ceiling') return { rule: ruleFor(smaller), stretch };
  return { rule: shareGate({ ...smaller, passAt: passThreshold(spec) }), stretch };
}

function coarse(spec: RuleSpec): { spec: RuleSpec; stretch: number } {
  if (spec.kind === 'ceiling') {
    const { max } = spec;
    const excess = max === 0 ? 0 : (-5 * Math.log(spec.beta)) / divergence(max, alarmRate(max)) / EXACT_UP_TO;
    const s = Math.min(excess, 0.02 / spec.max);
    return s <= 1 ? { spec, stretch: 1 } : { spec: { ...spec, max: spec.max * s }, stretch: s };
  }
  const excess = roughCap(spec.share, spec.margin, spec.beta) / EXACT_UP_TO;
  if (excess <= 1) return { spec, stretch: 1 };
  const rare = Math.min(spec.share, 1 - spec.share);
  if (rare < 0.02) {
    const s = Math.min(excess, 0.05 / rare);
    const share = spec.share < 0.5 ? rare * s : 1 - rare * s;
    const next = coarse({ ...spec, share, margin: spec.margin * s, quiet: (spec.quiet ?? 0) * s });
    return { spec: next.spec, stretch: next.stretch * s };
  }
  const s = Math.sqrt(excess);
  return { spec: { ...spec, margin: spec.margin * s, quiet: (spec.quiet ?? 0) * s }, stretch: s * s };
}
