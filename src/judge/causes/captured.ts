import { objectRef } from '../../base/kubernetes.js';
import { goodObservation, shareTally } from '../tallies.js';
import { list } from '../words.js';
import { promisedFlow, seen } from './flow.js';
import type { Candidate, CauseKind, Flow } from './kind.js';
import { type DiagnosisInput, manifestsOf, namespaceOf } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { cookieOf, type LiveRoute, liveRoutes, type RouteRule, routedShare, routeFlow } from './routes.js';

/** 9: requests are taken before they come to the weights of this stage. */
export const routeCaptured: CauseKind = {
  code: 'ROUTE_CAPTURED',
  number: 9,
  title: 'another VirtualService, or an earlier match, takes the requests',
  confirm: (input) => {
    if (input.stage.expect.by === 'balancing') return [];
    const whole = capturing(input);
    return whole ? fromObjects([whole]) : partlyCaptured(input);
  },
  predict: (candidate, input) => {
    const route = liveRoutes(input)[0];
    if (!route) return seen(promisedFlow(input));
    const rule = route.others.find((each) => each.before && candidate.field === matchField(route, each));
    if (!rule) return seen(routeFlow(input, route));
    return { ...seen(mixed(input, promisedFlow(input), routeFlow(input, rule))), fitted: 1 };
  },
};

/** What keeps every plain request of the load from the route or rule that would keep the promise. */
export function capturing(input: DiagnosisInput): Place | undefined {
  const [winner, ...beaten] = liveRoutes(input);
  if (!winner || input.stage.expect.by === 'balancing') return undefined;
  const applied = beaten.filter((route) =>
    manifestsOf(input, route.object).some((each) => input.stage.apply.includes(each)),
  );
  const own = manifestsOf(input, winner.object).some((each) => input.stage.apply.includes(each));
  const instead =
    own || keeps(input, winner) ? [] : applied.length > 0 ? applied : beaten.filter((each) => keeps(input, each));
  if (instead.length > 0) {
    const { kind, metadata } = winner.object;
    return placeAt(input, winner.object, winner.hostField, {
      found: winner.host,
      expected: 'no other route for this host',
      fix: `Delete it: kubectl delete ${kind.toLowerCase()} ${metadata.name} -n ${namespaceOf(winner.object)}. It is in force instead of ${list(instead.map((each) => objectRef(each.object)))}: ${kind === 'VirtualService' ? 'in the mesh one VirtualService wins whole, the older one' : 'of equal matches the older route counts'}.`,
    });
  }
  const later = winner.others.find((rule) => !rule.before && keeps(input, rule));
  if (!later || keeps(input, winner)) return undefined;
  return placeAt(input, winner.object, matchField(winner, winner), {
    found: sends(winner),
    expected: `requests to come to ${later.rule}`,
    fix: `Put ${later.rule} first, or narrow the match of ${winner.rule}: the first rule that matches takes the request.`,
  });
}

const matchField = ({ object }: LiveRoute, { rule }: Pick<RouteRule, 'rule'>): string =>
  `${rule}.${object.kind === 'VirtualService' ? 'match' : 'matches'}`;

/** Rules that some requests may meet before the weights; whether those of the load do, the counts tell. */
function partlyCaptured(input: DiagnosisInput): Candidate[] {
  const route = liveRoutes(input)[0];
  if (!route) return [];
  return route.others
    .filter((rule) => rule.before && rule.entries.length > 0 && !keeps(input, rule) && !byCookie(rule))
    .map((rule) => ({
      ...placeAt(input, route.object, matchField(route, rule), {
        found: sends(rule),
        expected: `requests of the load to come to ${route.rule}`,
        fix: `Narrow the match of ${rule.rule}${route.object.kind === 'VirtualService' ? `, or put ${route.rule} before it` : ''}: some requests of the load meet it and never come to the weights.`,
      }),
      confirmedBy: 'counts',
    }));
}

/** A cookie keeps clients at a version, which is a cause of its own. */
const byCookie = ({ matches }: RouteRule): boolean => matches.some((match) => cookieOf(match) !== undefined);

const sends = ({ entries }: Pick<LiveRoute, 'entries'>): string =>
  `requests that match go to ${list(entries.filter(({ share }) => share > 0).map(({ target }) => target)) || 'nobody'}`;

const SAME = 1e-6;

/** Do the weights and mirrors of a rule say what the stage promises? */
function keeps({ stage }: DiagnosisInput, rule: Pick<LiveRoute, 'entries' | 'mirrors'>): boolean {
  const { share = {}, mirror = {} } = stage.expect;
  const copies = (version: string) => rule.mirrors.find((each) => each.version === version)?.share ?? 0;
  return (
    Object.entries(share).every(([version, promised]) => Math.abs(routedShare(rule, version) - promised) <= SAME) &&
    Object.entries(mirror).every(([version, promised]) => Math.abs(copies(version) - promised) <= SAME)
  );
}

/** The part that is taken is not known: the one that fits the released version's count best. */
function mixed(input: DiagnosisInput, promise: Flow, taken: Flow): Flow {
  const version = Object.keys(input.scenario.versions).at(-1) ?? '';
  const counts = (goodObservation(input.observations, 'source') ?? goodObservation(input.observations, 'client'))
    ?.counts;
  const { count, total } = counts ? shareTally(counts, version) : { count: 0, total: 0 };
  const [from, to] = [promise.share[version] ?? 0, taken.share[version] ?? 0];
  const part = total === 0 || from === to ? 1 : Math.min(1, Math.max(0, (count / total - from) / (to - from)));
  const blend = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      [...Object.keys(a), ...Object.keys(b)].map((key) => [key, (1 - part) * (a[key] ?? 0) + part * (b[key] ?? 0)]),
    );
  return { share: blend(promise.share, taken.share), lost: {}, copies: blend(promise.copies, taken.copies) };
}
