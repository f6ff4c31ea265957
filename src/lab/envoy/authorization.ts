import { literalPattern } from '../../base/patterns.js';
import type { Authorization, AuthorizationRule, Condition, ValueMatch } from '../../mesh/authorization.js';
import { PEER } from './identityHeaders.js';
import { extension, type Message } from './proto.js';

/** HTTP filters that deny what the policies of a pod deny on one of its ports, in Istio's order. */
export function renderAuthorization({ deny, allow }: Authorization, port: number): Message[] {
  return [
    ...(deny.length > 0 ? [rbac('DENY', deny, port)] : []),
    ...(allow === undefined ? [] : [rbac('ALLOW', allow, port)]),
  ];
}

const rbac = (action: 'ALLOW' | 'DENY', rules: readonly AuthorizationRule[], port: number): Message =>
  extension('envoy.filters.http.rbac', 'extensions.filters.http.rbac.v3.RBAC', {
    rules: { action, policies: Object.fromEntries(rules.flatMap((rule) => policy(rule, port))) },
  });

/** A rule whose ports are others is none here: a listener serves one port of the pod, though not under its number. */
function policy({ name, from, to }: AuthorizationRule, port: number): [string, Message][] {
  const here = to.filter((all) => all.every((condition) => condition.attribute !== 'port' || isPort(condition, port)));
  if (to.length > 0 && here.length === 0) return [];
  const permissions = here.map((all) => {
    const rest = all.filter(({ attribute }) => attribute !== 'port').map(permission);
    return rest.length > 0 ? { and_rules: { rules: rest } } : { any: true };
  });
  const principals = from.map((all) => (all.length > 0 ? { and_ids: { ids: all.map(principal) } } : { any: true }));
  const orAny = (alternatives: readonly Message[]) => (alternatives.length > 0 ? alternatives : [{ any: true }]);
  return [[name, { permissions: orAny(permissions), principals: orAny(principals) }]];
}

const isPort = ({ negated, values }: Condition, port: number): boolean =>
  values.some((match) => match.kind === 'present' || match.value === String(port)) !== negated;

function permission({ attribute, negated, values }: Condition): Message {
  const rules = values.map((match) =>
    attribute === 'method'
      ? { header: { name: ':method', string_match: stringMatch(match) } }
      : { url_path: { path: stringMatch(match) } },
  );
  const any = { or_rules: { rules } };
  return negated ? { not_rule: any } : any;
}

/** The caller's sidecar has told who it is; see identityHeaders.ts. */
function principal({ attribute, negated, values }: Condition): Message {
  const ids = values.map((match) => ({
    metadata: {
      filter: PEER,
      path: [{ key: 'principal' }],
      value: { string_match: attribute === 'namespace' ? namespaceMatch(match) : principalMatch(match) },
    },
  }));
  const any = { or_ids: { ids } };
  return negated ? { not_id: any } : any;
}

const SPIFFE = 'spiffe://';

const stringMatch = (match: ValueMatch): Message =>
  match.kind === 'present' ? regex('.+') : { [match.kind]: match.value };

/** Policies name principals without their scheme; who has shown none reads `unknown`. */
function principalMatch(match: ValueMatch): Message {
  if (match.kind === 'present') return { prefix: SPIFFE };
  if (match.kind === 'suffix') return regex(`${SPIFFE}.*${literalPattern(match.value)}`);
  return { [match.kind]: SPIFFE + match.value };
}

function namespaceMatch(match: ValueMatch): Message {
  const value = match.kind === 'present' ? '' : literalPattern(match.value);
  const [before, after] = { present: ['.+', ''], exact: ['', ''], prefix: ['', '.*'], suffix: ['.*', ''] }[match.kind];
  return regex(`.*/ns/${before}${value}${after}/.*`);
}

const regex = (pattern: string): Message => ({ safe_regex: { regex: pattern } });
