import { isDeepStrictEqual } from 'node:util';
import type { ResourceKind } from '../control/resources.js';
import { type FieldSet, fieldsOf, fromFieldsV1, toFieldsV1, valueAt } from './fields.js';
import { type Dict, isDict } from './lists.js';

/** Who writes: one entry of managedFields. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource: string | undefined;
}

/** One manager's entry with its fields as paths. */
export interface Ownership {
  readonly manager: Manager;
  readonly apiVersion: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

export const sameManager = (a: Manager, b: Manager): boolean =>
  a.name === b.name && a.operation === b.operation && a.subresource === b.subresource;

/** Reads `metadata.managedFields`; entries that cannot be understood are left out. */
export function readManaged(managedFields: unknown): Ownership[] {
  if (!Array.isArray(managedFields)) return [];
  return managedFields.filter(isDict).flatMap((entry): Ownership[] => {
    const operation = entry.operation === 'Apply' ? 'Apply' : entry.operation === 'Update' ? 'Update' : undefined;
    if (!operation || typeof entry.manager !== 'string') return [];
    const subresource = typeof entry.subresource === 'string' && entry.subresource ? entry.subresource : undefined;
    return [
      {
        manager: { name: entry.manager, operation, subresource },
        apiVersion: String(entry.apiVersion ?? ''),
        time: typeof entry.time === 'string' ? entry.time : undefined,
        fields: fromFieldsV1(entry.fieldsV1),
      },
    ];
  });
}

/** Those that apply first, then by time and name (apimachinery, managedfields.sortEncodedManagers). */
function inOrder(a: Ownership, b: Ownership): number {
  const key = ({ manager, time = '' }: Ownership) => `${manager.operation}\n${time}\n${manager.name}`;
  return key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
}

/** Writes `metadata.managedFields`; managers that own nothing any more vanish. */
export function writeManaged(owners: readonly Ownership[]): Dict[] {
  return owners
    .filter(({ fields }) => fields.size > 0)
    .sort(inOrder)
    .map(({ manager, apiVersion, time, fields }) => ({
      manager: manager.name,
      operation: manager.operation,
      apiVersion,
      ...(time ? { time } : {}),
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      ...(manager.subresource ? { subresource: manager.subresource } : {}),
    }));
}

/** True when the set has fields within the one at a path. */
const below = (path: string, fields: FieldSet): boolean => {
  for (const other of fields) if (other.startsWith(`${path}\n`)) return true;
  return false;
};

const minus = (fields: FieldSet, taken: FieldSet): FieldSet =>
  [...fields].some((path) => taken.has(path)) ? new Set([...fields].filter((path) => !taken.has(path))) : fields;

/**
 * Ownership after a plain write (create, PUT, patch): fields that changed move to the writer, fields that are gone belong
 * to nobody, all else stays.
 */
export function afterUpdate(
  entry: ResourceKind,
  owners: readonly Ownership[],
  before: Dict | undefined,
  after: Dict,
  writer: { readonly manager: Manager; readonly apiVersion: string; readonly time: string | undefined },
): Ownership[] {
  const { subresource } = writer.manager;
  const was = before ? fieldsOf(entry, before, subresource, true) : new Set<string>();
  const is = fieldsOf(entry, after, subresource, true);
  const changed = new Set(
    [...is].filter((path) => !was.has(path) || !isDeepStrictEqual(valueAt(before, path), valueAt(after, path))),
  );
  // What holds other fields changes with them, but only its creator owns it itself.
  const holder = (path: string): boolean => below(path, is);
  for (const path of changed) if (was.has(path) && holder(path)) changed.delete(path);
  const gone = new Set([...was].filter((path) => !is.has(path)));
  if (changed.size === 0 && gone.size === 0) return [...owners];
  const result = owners.map((owner) => {
    const kept = sameManager(owner.manager, writer.manager) ? owner.fields : minus(owner.fields, changed);
    return { ...owner, fields: minus(kept, gone) };
  });
  if (changed.size === 0) return result;
  const own = result.findIndex((owner) => sameManager(owner.manager, writer.manager));
  const fields = new Set([...(result[own]?.fields ?? []), ...changed]);
  const next = { ...writer, fields };
  return own < 0 ? [...result, next] : result.with(own, next);
}
