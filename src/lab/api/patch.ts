import { applyPatch, type Operation, Pointer } from 'rfc6902';
import type { ResourceKind } from '../control/resources.js';
import { type Dict, isDict } from './lists.js';
import { ApiStatusError, badRequest, invalid, tooLarge, unsupportedMediaType } from './status.js';
import { strategicMerge } from './strategic.js';

export const APPLY_PATCH = 'application/apply-patch+yaml';
const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';

/** RFC 7396: null deletes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isDict(patch)) return patch;
  const result: Dict = isDict(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

const MAX_COPIED_BYTES = 3 * 1024 * 1024;
const OPERATIONS = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

function jsonPatch(entry: ResourceKind, name: string, live: Dict, patch: unknown): Dict {
  if (!Array.isArray(patch)) {
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  }
  // A long patch on a long list costs the product of both; the API server has the same limit.
  if (patch.length > 10_000) {
    throw new ApiStatusError(
      413,
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is 10000, got ${patch.length}`,
    );
  }
  for (const operation of patch) {
    if (!isDict(operation) || !OPERATIONS.has(String(operation.op)) || typeof operation.path !== 'string') {
      throw badRequest('error decoding patch: every operation needs `op` and `path`');
    }
    if (/(^|\/)__proto__(\/|$)/.test(`${operation.path}/${String(operation.from ?? '')}`)) {
      throw badRequest('error decoding patch: `__proto__` is no field');
    }
  }
  const copy = structuredClone(live);
  let copied = 0;
  for (const operation of patch as Operation[]) {
    // A chain of copies doubles the document each time; the API server bounds their sum alike.
    if (operation.op === 'copy') {
      copied += JSON.stringify(Pointer.fromJSON(operation.from).get(copy) ?? null).length;
      if (copied > MAX_COPIED_BYTES) throw tooLarge();
    }
    const [failure] = applyPatch(copy, [operation]);
    if (!failure) continue;
    const message = `the server rejected our request due to an error in our request (${failure.name}: ${failure.message})`;
    throw new ApiStatusError(422, 'Invalid', message, {
      name,
      ...(entry.group ? { group: entry.group } : {}),
      kind: entry.plural,
    });
  }
  return copy;
}

/**
 * Applies a JSON patch, merge patch or (built-in kinds only) strategic merge patch to a copy of the live object.
 * @throws ApiStatusError 415 for another media type, 422 for a JSON patch that does not apply, 400 for a malformed one.
 */
export function patched(entry: ResourceKind, name: string, live: Dict, type: string, patch: unknown): Dict {
  if (type === JSON_PATCH) return jsonPatch(entry, name, live, patch);
  if (type !== MERGE_PATCH && (type !== STRATEGIC || entry.custom)) {
    const strategic = entry.custom ? [] : [STRATEGIC];
    throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, ...strategic, APPLY_PATCH]);
  }
  if (!isDict(patch)) throw badRequest('a merge patch must be an object');
  const result = type === MERGE_PATCH ? mergePatch(live, patch) : strategicMerge(entry, live, patch);
  if (!isDict(result) || !isDict(result.metadata)) {
    throw invalid(entry.group, entry.kind, name, [
      { type: 'Required', field: 'metadata', message: 'the patch removes the metadata' },
    ]);
  }
  return result;
}
