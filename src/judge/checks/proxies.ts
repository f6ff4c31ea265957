import { confidenceSequence } from '../confidence.js';
import { closedOutcome, decidedOutcome, type Outcome, openOutcome } from '../outcome.js';
import { goodObservation } from '../tallies.js';
import type { CheckPlan, Look } from '../types.js';
import type { UnitContext } from '../unit/context.js';
import { type Part, standouts, strayers } from '../unit/homogeneity.js';
import { amount, counted, list, percent } from '../words.js';
import { observedShare } from './share.js';

/**
 * Every proxy of the caller draws alike. One that holds old routes is diluted by the others in the sum, and its users get another split all the
 * time; so the check fails, and names it, when one proxy's share differs from the others'. Its pass tells what it excludes by the proxies' own
 * intervals: how much that is depends on how many requests each has sent, and the check asks for none of its own.
 */
export function proxiesCheck(plan: CheckPlan, unit: UnitContext): (look: Look) => Outcome {
  const version = plan.version as string;
  const promised = plan.expected.share ?? 0;
  return (look) => {
    const parts = partsOf(look, version);
    if (mayStillStray(parts, promised, look)) return openOutcome(NOT_SCRAPED, undefined, 0);
    if (parts.length < 2) return decidedUntilMore('One proxy calls the service: there is none to compare it with.');
    if (unit.granularity.unit !== 'request' && unit.granularity.unit !== 'unknown') {
      return decidedUntilMore(`${unit.granularity.sentence} Proxies may differ then.`);
    }
    const odd = oddProxies(parts, promised, plan.alpha);
    const [first] = odd;
    if (!first && worthNaming(parts, promised)) {
      const open = openOutcome(NAMING, undefined, 0);
      return look.settled ? closedOutcome(open) : open;
    }
    if (!first) return alike(parts, plan);
    const others = parts.filter((part) => !odd.includes(part));
    const shares = list(odd.map((part) => `${part.name} sends ${version} ${shareOf(part)}`));
    const one = odd.length === 1;
    const reason = `${shares}, where the other ${counted(others.length, 'proxies')} of ${amount(parts.length)} ${others.length === 1 ? 'sends' : 'send'} ${percent(total(others))}: ${one ? 'it draws' : 'they draw'} by other routes, as a proxy does that no longer follows the control plane.`;
    return decidedOutcome('fail', reason, observedShare(first, plan.alpha));
  };
}

/** So many calls are waited for where some proxies send astray and others do not, so that the culprits can be named. */
const NAMING_CALLS = 500;
const NAMING = 'Only some proxies send astray so far, but too few calls to say that it is only those.';

/** ms within which scrapes of every second or so have told of the first requests. */
const FIRST_SCRAPES_MS = 3000;
const NOT_SCRAPED = 'The client is ahead: what the proxies count is scraped later.';

/** The client knows of a request astray before all scrapes have told whose it was. */
const mayStillStray = (parts: readonly Part[], promised: number, look: Look): boolean =>
  (promised === 0 || promised === 1) &&
  !look.settled &&
  look.at < FIRST_SCRAPES_MS &&
  goodObservation(look, 'source')?.proxies !== undefined &&
  (parts.length < 2 || parts.every(({ count, total: of }) => count === promised * of));

function worthNaming(parts: readonly Part[], promised: number): boolean {
  if (promised !== 0 && promised !== 1) return false;
  const astray = parts.filter(({ count, total: of }) => count !== promised * of);
  const calls = parts.reduce((all, { total: of }) => all + of, 0);
  return astray.length > 0 && astray.length < parts.length && calls < NAMING_CALLS;
}

/** Proxies that draw by other routes than the rest; where a version gets none or all, those that alone send astray. */
export const oddProxies = (parts: readonly Part[], promised: number, alpha: number): Part[] =>
  promised === 0 || promised === 1
    ? strayers(parts, ({ count, total: of }) => (promised === 0 ? count : of - count), alpha)
    : standouts(parts, alpha, promised);

/** What the caller's proxies sent to a version, those that sent anything. */
export function partsOf(look: Look, version: string): Part[] {
  return (goodObservation(look, 'source')?.proxies ?? []).flatMap(({ name, versions }) => {
    const sent = Object.values(versions).reduce((sum, count) => sum + count, 0);
    return sent > 0 ? [{ name, count: versions[version] ?? 0, total: sent }] : [];
  });
}

const shareOf = ({ count, total: of }: Part): string => `${percent(count / of)} of its ${counted(of, 'calls')}`;

function total(parts: readonly Part[]): number {
  const sum = (of: (part: Part) => number) => parts.reduce((all, part) => all + of(part), 0);
  return sum((part) => part.count) / sum((part) => part.total);
}

/** Says nothing about the stage, but more proxies may come. */
const decidedUntilMore = (reason: string): Outcome => ({
  ...openOutcome(reason, undefined, 1),
  verdict: 'not-applicable',
  ready: true,
});

function alike(parts: readonly Part[], plan: CheckPlan): Outcome {
  const rate = plan.beta / parts.length;
  const intervals = parts.map(({ count, total: of }) => confidenceSequence(count, of, rate));
  const promised = plan.expected.share ?? 0;
  const farthest = Math.max(...intervals.flatMap(({ low, high }) => [promised - low, high - promised]));
  const shares = parts.map(({ count, total: of }) => count / of);
  const [least, most] = [percent(Math.min(...shares)), percent(Math.max(...shares))];
  const range = least === most ? least : `${least} to ${most}`;
  const reason = `${counted(parts.length, 'proxies')} send ${plan.version} ${range}, which is one share as far as can be told; that one of them is off the promise by ${percent(farthest)} or more is excluded at error rate ${percent(plan.beta)}.`;
  const fewest = parts.reduce((least, part) => (part.total < least.total ? part : least));
  return { ...openOutcome(reason, observedShare(fewest, plan.alpha), 1), verdict: 'pass', ready: true };
}
