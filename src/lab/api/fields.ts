import type { ResourceKind } from '../control/resources.js';
import { type Dict, isDict, keyOf, listRule } from './lists.js';

/**
 * Fields of an object as a set of paths. A path is its elements joined by a newline; elements are written as in
 * FieldsV1: `f:<name>`, `k:<key fields as JSON>` for an item of a keyed list, `v:<value as JSON>` for one of a set.
 */
export type FieldSet = ReadonlySet<string>;

const SEPARATOR = '\n';
export const pathElements = (path: string): string[] => path.split(SEPARATOR);
const joinPath = (elements: readonly string[]): string => elements.join(SEPARATOR);

/** What the server owns itself and no manager can. */
const SERVER_FIELDS = new Set([
  'name',
  'namespace',
  'generateName',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
]);

const sortedJson = (value: Dict): string => JSON.stringify(Object.fromEntries(Object.entries(value).sort()));

export const itemElement = (item: unknown, keys: readonly string[]): string | undefined => {
  const key = keyOf(item, keys);
  return key && `k:${sortedJson(key)}`;
};

/** Maps that are owned as a whole (`x-kubernetes-map-type: atomic`). */
const ATOMIC_MAPS = new Set(['selector', 'nodeSelector', 'labelSelector', 'namespaceSelector']);

/** What a typed object has before anything is written into it: nobody makes it, so nobody owns it. */
const GIVEN = new Set([
  'metadata',
  'spec',
  'template',
  'containers',
  'strategy',
  'updateStrategy',
  'status',
  'loadBalancer',
]);

interface Collecting {
  readonly entry: ResourceKind;
  /** Objects and lists count themselves, besides what is in them. */
  readonly containers: boolean;
  readonly into: Set<string>;
}

function collect(to: Collecting, parent: string, value: Dict, path: readonly string[]): void {
  const { entry, containers, into } = to;
  for (const [field, child] of Object.entries(value)) {
    if (child === undefined || child === null) continue;
    const here = [...path, `f:${field}`];
    const filled = isDict(child) ? Object.keys(child).length > 0 : Array.isArray(child) && child.length > 0;
    const atomic = !entry.custom && ATOMIC_MAPS.has(field);
    if (!filled || atomic) {
      into.add(joinPath(here));
      continue;
    }
    const made = entry.custom ? (path.length === 0 ? field !== 'metadata' : true) : !GIVEN.has(field);
    if (containers && made) into.add(joinPath(here));
    if (isDict(child)) collect(to, field, child, here);
    else if (Array.isArray(child)) collectList(to, parent, field, child, here);
  }
}

function collectList(
  to: Collecting,
  parent: string,
  field: string,
  list: readonly unknown[],
  path: readonly string[],
): void {
  const { entry, into } = to;
  const rule = listRule(entry, parent, field);
  if (rule.kind === 'set') {
    for (const item of list) into.add(joinPath([...path, `v:${JSON.stringify(item)}`]));
    return;
  }
  const elements = rule.kind === 'map' ? list.map((item) => itemElement(item, rule.keys)) : [undefined];
  if (elements.includes(undefined)) {
    into.add(joinPath(path));
    return;
  }
  list.forEach((item, index) => {
    const here = [...path, elements[index] as string];
    into.add(joinPath(here));
    collect(to, field, item as Dict, here);
  });
}

/**
 * The fields that a writer of the object may own: all but identity and what the server sets; for the status subresource
 * only `status`, for the main resource of a kind that has one all but `status`.
 * @param containers objects and lists count as well as what is in them; for plain writes, which own what they make.
 */
export function fieldsOf(entry: ResourceKind, object: Dict, subresource?: string, containers = false): FieldSet {
  const into = new Set<string>();
  const to = { entry, containers, into };
  const { apiVersion: _, kind: __, metadata, status, ...rest } = object;
  if (subresource === 'status') {
    if (isDict(status)) collect(to, '', { status }, []);
    return into;
  }
  const given = isDict(metadata)
    ? Object.fromEntries(Object.entries(metadata).filter(([field]) => !SERVER_FIELDS.has(field)))
    : {};
  collect(to, '', Object.keys(given).length > 0 ? { metadata: given, ...rest } : rest, []);
  if (!entry.status && status !== undefined) collect(to, '', { status }, []);
  return into;
}

/** Renders a set as FieldsV1: nested objects, `.` for an element that is owned itself and has owned children. */
export function toFieldsV1(set: FieldSet): Dict {
  const root: Dict = {};
  for (const path of [...set].sort()) {
    let node = root;
    for (const element of pathElements(path)) {
      node[element] ??= {};
      node = node[element] as Dict;
    }
    node['.'] = {};
  }
  const trim = (node: Dict): void => {
    const children = Object.keys(node);
    if (children.length === 1 && children[0] === '.') delete node['.'];
    for (const [element, child] of Object.entries(node)) if (element !== '.') trim(child as Dict);
  };
  trim(root);
  return root;
}

/** The inverse of `toFieldsV1`; what is no FieldsV1 owns nothing. */
export function fromFieldsV1(fields: unknown): Set<string> {
  const set = new Set<string>();
  const walk = (node: Dict, path: readonly string[]): void => {
    const children = Object.keys(node);
    if (path.length > 0 && (children.length === 0 || children.includes('.'))) set.add(joinPath(path));
    for (const element of children) {
      const child = node[element];
      if (element !== '.' && isDict(child)) walk(child, [...path, element]);
    }
  };
  if (isDict(fields)) walk(fields, []);
  return set;
}

function itemIndex(list: readonly unknown[], element: string): number {
  if (element.startsWith('v:')) return list.findIndex((item) => `v:${JSON.stringify(item)}` === element);
  const keys = Object.keys(JSON.parse(element.slice(2)) as Dict);
  return list.findIndex((item) => itemElement(item, keys) === element);
}

/** The value at a path; undefined when it is not there. */
export function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const element of pathElements(path)) {
    if (element.startsWith('f:')) value = isDict(value) ? value[element.slice(2)] : undefined;
    else value = Array.isArray(value) ? value[itemIndex(value, element)] : undefined;
  }
  return value;
}

/** Removes what is at a path, in place, and the parents that become empty by it. */
export function removeAt(object: unknown, path: string): void {
  const elements = pathElements(path);
  const parents: unknown[] = [object];
  for (let i = 0; i < elements.length - 1; i++) parents.push(valueAt(object, joinPath(elements.slice(0, i + 1))));
  for (let i = elements.length - 1; i >= 0; i--) {
    const parent = parents[i];
    const element = elements[i] ?? '';
    if (element.startsWith('f:')) {
      if (!isDict(parent) || !(element.slice(2) in parent)) return;
      delete parent[element.slice(2)];
      if (Object.keys(parent).length > 0) return;
    } else {
      const index = Array.isArray(parent) ? itemIndex(parent, element) : -1;
      if (!Array.isArray(parent) || index < 0) return;
      parent.splice(index, 1);
      if (parent.length > 0) return;
    }
  }
}

/** `.spec.template.spec.containers[name="web"].image`, as the API server names a field in a conflict. */
export function printPath(path: string): string {
  return pathElements(path)
    .map((element) => {
      const text = element.slice(2);
      if (element.startsWith('f:')) return `.${text}`;
      if (element.startsWith('v:')) return `[=${text}]`;
      const key = JSON.parse(text) as Dict;
      return `[${Object.entries(key)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(',')}]`;
    })
    .join('');
}
