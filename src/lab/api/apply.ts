import { isDeepStrictEqual } from 'node:util';
import type { ResourceKind } from '../control/resources.js';
import { fieldsOf, itemElement, pathElements, printPath, removeAt, valueAt } from './fields.js';
import { type Dict, isDict, listRule } from './lists.js';
import { type Manager, type Ownership, sameManager } from './managed.js';
import { ApiStatusError, type StatusCause } from './status.js';

interface Writer {
  readonly manager: Manager;
  readonly apiVersion: string;
  readonly time: string;
}

function mergeList(entry: ResourceKind, parent: string, field: string, live: unknown, applied: unknown[]): unknown {
  const rule = listRule(entry, parent, field);
  if (!Array.isArray(live) || rule.kind === 'atomic') return applied;
  if (rule.kind === 'set') return [...live, ...applied.filter((value) => !live.includes(value))];
  const elements = applied.map((item) => itemElement(item, rule.keys));
  if (elements.includes(undefined)) return applied;
  const result = [...live];
  applied.forEach((item, i) => {
    const at = result.findIndex((other) => itemElement(other, rule.keys) === elements[i]);
    if (at < 0) result.push(item);
    else result[at] = merge(entry, field, result[at] as Dict, item as Dict);
  });
  return result;
}

function merge(entry: ResourceKind, parent: string, live: Dict, applied: Dict): Dict {
  const result: Dict = { ...live };
  for (const [field, value] of Object.entries(applied)) {
    if (value === null || value === undefined) continue;
    if (Array.isArray(value)) result[field] = mergeList(entry, parent, field, live[field], value);
    else if (isDict(value)) result[field] = merge(entry, field, isDict(live[field]) ? live[field] : {}, value);
    else result[field] = value;
  }
  return result;
}

const printManager = ({ manager, apiVersion }: Ownership): string =>
  JSON.stringify(manager.name) +
  (manager.subresource ? ` with subresource ${JSON.stringify(manager.subresource)}` : '') +
  (manager.operation === 'Update' ? ` using ${apiVersion}` : '');

function conflictError(conflicts: readonly { readonly owner: Ownership; readonly path: string }[]): ApiStatusError {
  const causes: StatusCause[] = conflicts.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${printManager(owner)}`,
    field: printPath(path),
  }));
  const [first] = causes;
  const text =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${first?.message}: ${first?.field}`
      : `Apply failed with ${causes.length} conflicts: ${[...new Set(causes.map((cause) => cause.message))]
          .map((message) => {
            const fields = causes.filter((cause) => cause.message === message).map((cause) => `- ${cause.field}`);
            return `${message.replace(/^conflict/, fields.length > 1 ? 'conflicts' : 'conflict')}:\n${fields.join('\n')}`;
          })
          .join('\n')}`;
  return new ApiStatusError(409, 'Conflict', text, { causes });
}

const below = (path: string, fields: Iterable<string>): boolean => {
  for (const other of fields) if (other === path || other.startsWith(`${path}\n`)) return true;
  return false;
};

/** `name` of a container: it goes with its item, never alone. */
function isKeyField(path: string): boolean {
  const [item = '', field = ''] = pathElements(path).slice(-2);
  return item.startsWith('k:') && Object.hasOwn(JSON.parse(item.slice(2)) as Dict, field.slice(2));
}

/**
 * What kubectl itself applied on the client's side before: those fields may change without a conflict while they still have
 * the value of the annotation, so that `kubectl apply --server-side` can take over (apimachinery, lastAppliedManager).
 */
function takesOver(entry: ResourceKind, live: Dict, manager: Manager): (path: string) => boolean {
  const annotations = isDict(live.metadata) && isDict(live.metadata.annotations) ? live.metadata.annotations : {};
  const text = annotations['kubectl.kubernetes.io/last-applied-configuration'];
  if (manager.name !== 'kubectl' || typeof text !== 'string') return () => false;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    return () => false;
  }
  const fields = isDict(last) ? fieldsOf(entry, last) : new Set<string>();
  return (path) => fields.has(path) && isDeepStrictEqual(valueAt(last, path), valueAt(live, path));
}

/**
 * Server-side apply: the applied fields are merged into the live object and belong to the manager; fields that this manager
 * applied before and no longer sends are removed unless another manager owns them; a field that another manager owns with
 * another value is a conflict unless forced, then it changes hands.
 * @throws ApiStatusError 409 with one cause per conflicting field.
 */
export function serverSideApply(
  entry: ResourceKind,
  live: Dict,
  applied: Dict,
  owners: readonly Ownership[],
  writer: Writer,
  force: boolean,
): { readonly object: Dict; readonly owners: Ownership[] } {
  const fields = fieldsOf(entry, applied, writer.manager.subresource);
  const mine = owners.find((owner) => sameManager(owner.manager, writer.manager));
  const others = owners.filter((owner) => owner !== mine);
  const differs = (path: string): boolean => {
    const value = valueAt(applied, path);
    return !isDict(value) && !isDeepStrictEqual(valueAt(live, path), value);
  };
  const conflicts = others.flatMap((owner) =>
    [...fields].filter((path) => owner.fields.has(path) && differs(path)).map((path) => ({ owner, path })),
  );
  const pardoned = takesOver(entry, live, writer.manager);
  const real = conflicts.filter(({ path }) => !pardoned(path));
  if (real.length > 0 && !force) throw conflictError(real);
  const lost = new Set(conflicts.map(({ path }) => path));
  const rest = others.map((owner) => ({
    ...owner,
    fields: new Set([...owner.fields].filter((path) => !lost.has(path))),
  }));

  const object = structuredClone(merge(entry, '', live, applied));
  const dropped = [...(mine?.fields ?? [])]
    .filter((path) => !isKeyField(path) && !below(path, fields) && !rest.some((owner) => below(path, owner.fields)))
    .sort((a, b) => pathElements(a).length - pathElements(b).length);
  for (const path of dropped) removeAt(object, path);

  // The time says when the object last changed by this manager: applying the same again changes nothing.
  const own: Ownership = { ...writer, time: isDeepStrictEqual(object, live) ? mine?.time : writer.time, fields };
  return { object, owners: [...rest, own] };
}
