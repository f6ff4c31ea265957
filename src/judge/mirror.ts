import type { Decision } from './gate.js';
import { ruleFor } from './requirements.js';

/** Copies that a version received, and the primary requests that they were made of. */
export interface MirrorTally {
  /** D(v) - S(v): what reached the version's own proxies beyond the calls that the source proxy sent it. */
  readonly copies: number;
  /** Primary requests at the source proxy that reached a version (one copy each, whichever destination was drawn). */
  readonly primaries: number;
}

export interface MirrorOptions {
  /** Promised copies per primary, 0..1. */
  readonly share: number;
  readonly margin: number;
  /** Primaries that certify a full (or absent) mirror. */
  readonly needed: number;
  readonly alpha: number;
  readonly beta: number;
}

/**
 * Evidence beyond the threshold that an open window must have gathered before it may close, as a factor: source and destination proxies are
 * scraped at different moments, so the settled counts differ a little; under the promise the ratio falls back by this factor with probability
 * 1/1000 at most.
 */
const RESERVE = 1000;
export const mirrorReadyOptions = (o: { readonly alpha: number; readonly beta: number }) => ({
  alpha: o.alpha / RESERVE,
  beta: o.beta / RESERVE,
});

/** Open window: has it seen enough that the settled counts will decide? */
export function mirrorReady(tally: MirrorTally, options: MirrorOptions, cap: number): boolean {
  const { copies, primaries } = tally;
  if (options.share === 0 || options.share === 1) return primaries >= options.needed;
  if (primaries >= cap) return true;
  const k = Math.min(Math.max(0, copies), primaries);
  return ruleFor({ kind: 'gate', ...options, ...mirrorReadyOptions(options) }).decide(k, primaries) !== 'continue';
}

/**
 * Settled counts: a full mirror is refuted by the first missing copy, an absent one by the first copy; in between the gate decides on copies
 * per primary. Copies beyond the primaries are no deficit (the ledger shows them).
 */
export function mirrorDecision(tally: MirrorTally, options: MirrorOptions): Decision {
  const { copies, primaries } = tally;
  if (options.share === 1) {
    if (copies < primaries) return 'fail';
    return primaries >= options.needed ? 'pass' : 'continue';
  }
  if (options.share === 0) {
    if (copies > 0) return 'fail';
    return primaries >= options.needed ? 'pass' : 'continue';
  }
  return ruleFor({ kind: 'gate', ...options }).decide(Math.min(Math.max(0, copies), primaries), primaries);
}
