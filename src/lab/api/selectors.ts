import type { KubeObject } from '../../base/kubernetes.js';
import { badRequest } from './status.js';

export type Predicate = (object: KubeObject) => boolean;

type Labels = Readonly<Record<string, string>>;
const NAME = `[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?`;
const VALUE = `(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?`;
const SET = new RegExp(String.raw`^(${NAME})\s+(in|notin)\s*\(([^()]*)\)$`);
const EQUALITY = new RegExp(String.raw`^(${NAME})\s*(==|=|!=|>|<)\s*(${VALUE})$`);
const EXISTS = new RegExp(String.raw`^(!?)\s*(${NAME})$`);

/** Splits at commas outside parentheses. */
function requirements(selector: string): string[] {
  const parts = selector.split(/,(?![^()]*\))/).map((part) => part.trim());
  return parts.length === 1 && parts[0] === '' ? [] : parts;
}

function labelRequirement(text: string): (labels: Labels) => boolean {
  const set = SET.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    // `notin` also selects objects without the label (apimachinery, labels.Requirement.Matches).
    return operator === 'in'
      ? (labels) => labels[key] !== undefined && values.has(labels[key])
      : (labels) => labels[key] === undefined || !values.has(labels[key]);
  }
  const equality = EQUALITY.exec(text);
  if (equality) {
    const [, key = '', operator, value = ''] = equality;
    if (operator === '!=') return (labels) => labels[key] !== value;
    if (operator === '>') return (labels) => Number.parseInt(labels[key] ?? '', 10) > Number(value);
    if (operator === '<') return (labels) => Number.parseInt(labels[key] ?? '', 10) < Number(value);
    return (labels) => labels[key] === value;
  }
  const exists = EXISTS.exec(text);
  if (exists) {
    const [, not, key = ''] = exists;
    return (labels) => (labels[key] === undefined) === (not === '!');
  }
  throw badRequest(
    `unable to parse requirement: found '${text}', expected: a label selector such as app=web, env in (a, b), !canary`,
  );
}

/**
 * Equality- and set-based label selectors: `app=web,version!=v1,env in (a,b),tier notin (x),canary,!old`.
 * @throws ApiStatusError 400 for what does not parse.
 */
export function labelSelector(selector: string | null): Predicate {
  const all = requirements(selector ?? '').map(labelRequirement);
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return all.every((matches) => matches(labels));
  };
}

const textAt = (object: KubeObject, path: readonly string[]): string => {
  let value: unknown = object;
  for (const key of path)
    value = value && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined;
  return value === undefined || value === null ? '' : String(value);
};

/** Field labels that the API server knows, by the kinds that have them. */
const FIELDS: Readonly<Record<string, readonly string[] | 'all'>> = {
  'metadata.name': 'all',
  'metadata.namespace': 'all',
  'status.phase': ['Pod', 'Namespace'],
  'spec.nodeName': ['Pod'],
  'spec.restartPolicy': ['Pod'],
  'spec.serviceAccountName': ['Pod'],
  'status.podIP': ['Pod'],
  'spec.unschedulable': ['Node'],
  'spec.type': ['Service'],
  'spec.clusterIP': ['Service'],
  type: ['Secret', 'Event'],
  reason: ['Event'],
  'involvedObject.kind': ['Event'],
  'involvedObject.name': ['Event'],
  'involvedObject.namespace': ['Event'],
  'involvedObject.uid': ['Event'],
  'status.replicas': ['ReplicaSet'],
};

/**
 * Field selectors of `metadata.name=a,status.phase!=Running` form.
 * @throws ApiStatusError 400 for what does not parse and for fields that the kind has no selector for.
 */
export function fieldSelector(selector: string | null, kind: string): Predicate {
  const all = (selector ?? '')
    .split(',')
    .filter((part) => part.trim())
    .map((part): Predicate => {
      const match = /^\s*([\w.]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part);
      if (!match) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
      const [, field = '', operator, value = ''] = match;
      const kinds = FIELDS[field];
      if (!kinds || (kinds !== 'all' && !kinds.includes(kind))) throw badRequest(`field label not supported: ${field}`);
      const path = field.split('.');
      return operator === '!='
        ? (object) => textAt(object, path) !== value
        : (object) => textAt(object, path) === value;
    });
  return (object) => all.every((matches) => matches(object));
}
