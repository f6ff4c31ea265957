import { JEFFREYS, lnChoose, lnMixtureRatio } from '../numerics.js';

export interface Part {
  readonly name: string;
  readonly count: number;
  readonly total: number;
}

/**
 * ln of an e-process against "both parts have one share, whatever it is": a beta-binomial mixture for each part over the largest likelihood of a
 * common share (universal inference). A function of the counts alone, valid at every look.
 */
export function lnDifference(one: Part, other: Part): number {
  const [k, n] = [one.count + other.count, one.total + other.total];
  if (one.total === 0 || other.total === 0 || k === 0 || k === n) return 0;
  const pooled = k / n;
  return (
    lnMixtureRatio(one.count, one.total, pooled, JEFFREYS) + lnMixtureRatio(other.count, other.total, pooled, JEFFREYS)
  );
}

const sum = (parts: readonly Part[]): Part =>
  parts.reduce((all, { count, total }) => ({ name: '', count: all.count + count, total: all.total + total }), {
    name: '',
    count: 0,
    total: 0,
  });

/**
 * Parts that do not draw like the rest, the most evident first: the one against the sum of the others that reaches J/alpha is taken out, and the
 * rest is asked again. The probability of naming any when all draw alike is at most alpha, over all looks.
 * @param expected breaks the tie of two that differ only from each other: the one farther from it is named.
 */
export function standouts(parts: readonly Part[], alpha: number, expected: number): Part[] {
  const threshold = Math.log(Math.max(1, parts.length) / alpha);
  const found: Part[] = [];
  let rest = parts.filter(({ total }) => total > 0);
  while (rest.length > 1) {
    const ranked = rest
      .map((part) => ({
        part,
        evidence: lnDifference(part, sum(rest.filter((other) => other !== part))),
        far: Math.abs(part.count / part.total - expected),
      }))
      .sort((a, b) => (Math.abs(b.evidence - a.evidence) > 1e-9 ? b.evidence - a.evidence : b.far - a.far));
    const [worst] = ranked;
    if (!worst || worst.evidence < threshold) return found;
    found.push(worst.part);
    rest = rest.filter((part) => part !== worst.part);
  }
  return found;
}

/**
 * Parts that send what none may, where the others send none of it: the most strays first. If all sent strays alike, the k strays of all fell to
 * just these parts with a probability of at most (their part of all requests)^k, times the number of ways to choose so many parts.
 * @returns none when chance could do it more often than `alpha`, or when all parts stray.
 */
export function strayers(parts: readonly Part[], strays: (part: Part) => number, alpha: number): Part[] {
  const found = parts.filter((part) => strays(part) > 0).sort((a, b) => strays(b) - strays(a));
  if (found.length === 0 || found.length === parts.length) return [];
  const k = found.reduce((total, part) => total + strays(part), 0);
  const lnChance = k * Math.log(sum(found).total / sum(parts).total) + lnChoose(parts.length, found.length);
  return lnChance <= Math.log(alpha) ? found : [];
}
