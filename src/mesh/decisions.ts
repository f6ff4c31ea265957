import { type KubeObject, objectRef } from '../base/kubernetes.js';
import {
  type Attribute,
  type AuthorizationRule,
  type AuthorizedRequest,
  authorizationOf,
  denies,
  governing,
  holds,
  notUnderstood,
} from './authorization.js';
import type { Place } from './types.js';

/** What the policies of a pod make of a request, as far as the request is known. */
export type Decision =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'denied' | 'unknown'; readonly place: Place; readonly why: string };

const ALLOWED: Decision = { kind: 'allowed' };

/** What is known of a request or a connection. */
export interface Asked extends AuthorizedRequest {
  /** The caller shows an identity, and nobody knows which one. */
  readonly anonymous: boolean;
  /** A connection has neither method nor path. */
  readonly unit: 'request' | 'connection';
}

/** @param rootNamespace of the mesh. */
export function decide(
  policies: readonly KubeObject[],
  pod: Pick<KubeObject, 'metadata'>,
  rootNamespace: string,
  asked: Asked,
): Decision {
  const { deny, allow } = authorizationOf(policies, pod, rootNamespace);
  let doubt: Decision | undefined;
  const unsure = ({ object, field }: Place, why: string): void => {
    doubt ??= { kind: 'unknown', place: { object, field }, why };
  };
  for (const rule of deny) {
    const met = matches(rule, asked, true);
    if (met) return { kind: 'denied', place: rule, why: 'a rule that denies matches' };
    if (met === undefined) unsure(rule, 'it depends on the service account of the caller, which no object tells');
  }
  const all = governing(policies, pod, rootNamespace);
  for (const policy of all) {
    const [field] = notUnderstood(policy);
    if (field) unsure({ object: objectRef(policy), field }, `it depends on ${field}, which is not known here`);
  }
  const verdicts = allow?.map((rule) => ({ rule, met: matches(rule, asked, false) }));
  if (!verdicts || verdicts.some(({ met }) => met)) return doubt ?? ALLOWED;
  const open = verdicts.find(({ met }) => met === undefined);
  if (open) unsure(open.rule, 'it depends on the service account of the caller, which no object tells');
  if (doubt) return doubt;
  const [allowing] = all.filter((policy) => !denies(policy));
  const place = { object: allowing ? objectRef(allowing) : '', field: 'spec.rules' };
  return { kind: 'denied', place, why: 'no rule of the policies that allow matches' };
}

const OF_REQUESTS: ReadonlySet<Attribute> = new Set(['method', 'path']);

/** undefined: it depends on what is not known. */
function matches({ from, to }: AuthorizationRule, asked: Asked, deny: boolean): boolean | undefined {
  return both(one(from, asked, deny), one(to, asked, deny));
}

function one(alternatives: AuthorizationRule['from'], asked: Asked, deny: boolean): boolean | undefined {
  if (alternatives.length === 0) return true;
  const met = alternatives.map((all) =>
    all
      .map((condition) => {
        // On connections a rule that denies goes without such a condition, and one that allows never matches.
        if (asked.unit === 'connection' && OF_REQUESTS.has(condition.attribute)) return deny;
        return asked.anonymous && condition.attribute === 'principal' ? undefined : holds(condition, asked);
      })
      .reduce(both, true),
  );
  if (met.includes(true)) return true;
  return met.includes(undefined) ? undefined : false;
}

function both(a: boolean | undefined, b: boolean | undefined): boolean | undefined {
  if (a === false || b === false) return false;
  return a === undefined || b === undefined ? undefined : true;
}
