import { type KubeObject, labelsMatch, objectRef } from '../base/kubernetes.js';
import { list, podSelector, record, records, text, texts } from './read.js';

/** One value of a list: `/api` (exact), `/api*`, `*.png`, or `*` (anything that is there). */
export type ValueMatch =
  | { readonly kind: 'exact' | 'prefix' | 'suffix'; readonly value: string }
  | { readonly kind: 'present' };

/** What of a request is looked at. */
export type Attribute = 'principal' | 'namespace' | 'method' | 'path' | 'port';

/** One of the values matches; negated: none does. */
export interface Condition {
  readonly attribute: Attribute;
  readonly negated: boolean;
  readonly values: readonly ValueMatch[];
}

/** All conditions of one of the alternatives hold on each side; no alternatives: everybody, everything. */
export interface AuthorizationRule {
  /** `ns[shop]-policy[deny]-rule[0]`, as Istio names it. */
  readonly name: string;
  /** `Kind/namespace/name` */
  readonly object: string;
  readonly field: string;
  readonly from: readonly (readonly Condition[])[];
  readonly to: readonly (readonly Condition[])[];
}

/** What the AuthorizationPolicies of a workload say. */
export interface Authorization {
  /** A request that matches one is denied. */
  readonly deny: readonly AuthorizationRule[];
  /** A request that matches none is denied; undefined: no policy allows anything in particular, so everything is. */
  readonly allow: readonly AuthorizationRule[] | undefined;
}

/** What is known of a request. */
export interface AuthorizedRequest {
  /** SPIFFE identity of the caller; undefined: it has shown none. */
  readonly principal: string | undefined;
  readonly method: string;
  /** Without query. */
  readonly path: string;
  /** Of the pod. */
  readonly port: number;
}

const SOURCE_FIELDS: Readonly<Record<string, Attribute>> = { principals: 'principal', namespaces: 'namespace' };
const OPERATION_FIELDS: Readonly<Record<string, Attribute>> = { methods: 'method', paths: 'path', ports: 'port' };

/** `notPaths` -> `paths`. */
const positive = (field: string): string => field.replace(/^not([A-Z])/, (_, letter: string) => letter.toLowerCase());

/** A star within a value and a path template are other languages. */
const plainValue = (value: string): boolean => !value.slice(1, -1).includes('*') && !value.includes('{');

/**
 * What of a policy is not understood: paths of fields. Such a policy is left out whole, since half of one would allow or deny something else.
 * Understood are the actions ALLOW and DENY by principals, namespaces, methods, paths and ports, and their negations.
 */
export function notUnderstood(policy: KubeObject): string[] {
  const spec = record(policy.spec);
  const unknown = (at: string, fields: Readonly<Record<string, unknown>>, known: Readonly<Record<string, Attribute>>) =>
    Object.entries(fields).flatMap(([field, values]) =>
      known[positive(field)] !== undefined && texts(values).every(plainValue) ? [] : [`${at}.${field}`],
    );
  const rules = records(spec.rules).flatMap((rule, index) => {
    const at = `spec.rules[${index}]`;
    return [
      ...list(rule.when).map((_, i) => `${at}.when[${i}]`),
      ...records(rule.from).flatMap(({ source }, i) =>
        unknown(`${at}.from[${i}].source`, record(source), SOURCE_FIELDS),
      ),
      ...records(rule.to).flatMap(({ operation }, i) =>
        unknown(`${at}.to[${i}].operation`, record(operation), OPERATION_FIELDS),
      ),
    ];
  });
  const action = text(spec.action) ?? 'ALLOW';
  const targets = ['targetRef', 'targetRefs'].filter((field) => spec[field] !== undefined);
  return [
    ...(action === 'ALLOW' || action === 'DENY' ? [] : ['spec.action']),
    ...targets.map((field) => `spec.${field}`),
    ...rules,
  ];
}

const valueMatch = (value: string): ValueMatch => {
  if (value === '*') return { kind: 'present' };
  if (value.startsWith('*')) return { kind: 'suffix', value: value.slice(1) };
  if (value.endsWith('*')) return { kind: 'prefix', value: value.slice(0, -1) };
  return { kind: 'exact', value };
};

function conditions(
  fields: Readonly<Record<string, unknown>>,
  known: Readonly<Record<string, Attribute>>,
): Condition[] {
  return Object.entries(fields).flatMap(([field, values]) => {
    const attribute = known[positive(field)];
    const given = texts(values);
    if (!attribute || given.length === 0) return [];
    return [{ attribute, negated: positive(field) !== field, values: given.map(valueMatch) }];
  });
}

function rulesOf(policy: KubeObject): AuthorizationRule[] {
  const { name, namespace = 'default' } = policy.metadata;
  return records(record(policy.spec).rules).map((rule, index) => ({
    name: `ns[${namespace}]-policy[${name}]-rule[${index}]`,
    object: objectRef(policy),
    field: `spec.rules[${index}]`,
    from: records(rule.from).map(({ source }) => conditions(record(source), SOURCE_FIELDS)),
    to: records(rule.to).map(({ operation }) => conditions(record(operation), OPERATION_FIELDS)),
  }));
}

/**
 * The policies that govern a pod: those of its namespace and of the root namespace that select it (Istio, "Authorization Policy").
 * @param rootNamespace default `istio-system`.
 */
export function governing(
  objects: readonly KubeObject[],
  { metadata: { namespace = 'default', labels: own } }: Pick<KubeObject, 'metadata'>,
  rootNamespace = 'istio-system',
): KubeObject[] {
  return objects.filter(
    (policy) =>
      policy.kind === 'AuthorizationPolicy' &&
      (policy.metadata.namespace === namespace || policy.metadata.namespace === rootNamespace) &&
      labelsMatch(podSelector(policy), own),
  );
}

export const denies = (policy: KubeObject): boolean => record(policy.spec).action === 'DENY';

/** What the policies that govern a pod say; see {@link governing}. */
export function authorizationOf(
  objects: readonly KubeObject[],
  pod: Pick<KubeObject, 'metadata'>,
  rootNamespace?: string,
): Authorization {
  const understood = governing(objects, pod, rootNamespace).filter((policy) => notUnderstood(policy).length === 0);
  const allowing = understood.filter((policy) => !denies(policy));
  return {
    deny: understood.filter(denies).flatMap(rulesOf),
    allow: allowing.length > 0 ? allowing.flatMap(rulesOf) : undefined,
  };
}

function valueMatches(match: ValueMatch, value: string): boolean {
  switch (match.kind) {
    case 'present':
      return value !== '';
    case 'exact':
      return value === match.value;
    case 'prefix':
      return value.startsWith(match.value);
    case 'suffix':
      return value.endsWith(match.value);
  }
}

const SPIFFE = 'spiffe://';

function attributeOf(attribute: Attribute, { principal, method, path, port }: AuthorizedRequest): string {
  switch (attribute) {
    case 'principal':
      return principal?.startsWith(SPIFFE) ? principal.slice(SPIFFE.length) : '';
    case 'namespace':
      return /\/ns\/([^/]+)\//.exec(principal ?? '')?.[1] ?? '';
    case 'method':
      return method;
    case 'path':
      return path;
    case 'port':
      return String(port);
  }
}

export const holds = ({ attribute, negated, values }: Condition, request: AuthorizedRequest): boolean => {
  const value = attributeOf(attribute, request);
  return values.some((match) => valueMatches(match, value)) !== negated;
};

const oneHolds = (alternatives: AuthorizationRule['from'], request: AuthorizedRequest): boolean =>
  alternatives.length === 0 || alternatives.some((all) => all.every((condition) => holds(condition, request)));

const ruleMatches = ({ from, to }: AuthorizationRule, request: AuthorizedRequest): boolean =>
  oneHolds(from, request) && oneHolds(to, request);

/** DENY comes first; then, where any policy allows, only what one of them allows. */
export function isAllowed({ deny, allow }: Authorization, request: AuthorizedRequest): boolean {
  if (deny.some((rule) => ruleMatches(rule, request))) return false;
  return allow === undefined || allow.some((rule) => ruleMatches(rule, request));
}
