import path from 'node:path';
import type { Problem } from '../base/errors.js';
import { joinShown, readBytes, readTextFile } from './text-file.js';
import type { UriEntry } from './types.js';
import { type BodyFile, parseUris } from './uris.js';

/** The largest URI list that is read, in bytes. */
const MAX_URI_FILE_BYTES = 1_048_576;
/** The largest body of one request, in bytes. */
const MAX_BODY_BYTES = 1_048_576;
/** Of all bodies of a list, since every request is held ready; bytes. */
const MAX_BODIES_BYTES = 64 * 1_048_576;

/** `unread`: the list itself could not be read. */
export type UriList =
  | { readonly entries: readonly UriEntry[]; readonly problems: readonly Problem[] }
  | { readonly unread: Problem };

/**
 * Reads a URI list and the files that its bodies come from; their paths are relative to the list.
 * @param shown the list's path as problems name it.
 * @param variables as for `parseUris`.
 */
export async function readUriFile(cwd: string, shown: string, variables?: readonly string[]): Promise<UriList> {
  const read = await readTextFile(path.resolve(cwd, shown), shown, MAX_URI_FILE_BYTES);
  if ('problem' in read) return { unread: read.problem };
  const { entries, bodyFiles, problems } = parseUris(read.text, shown, variables);
  const known = new Map<string, string>();
  let total = 0;
  for (const file of bodyFiles) {
    const problem = await addBody(file, cwd, shown, known);
    if (problem) problems.push(problem);
    total += file.entry.body && 'base64' in file.entry.body ? Buffer.byteLength(file.entry.body.base64, 'base64') : 0;
    if (total <= MAX_BODIES_BYTES) continue;
    problems.push({
      file: shown,
      line: file.line,
      message: `the bodies are larger than ${MAX_BODIES_BYTES} bytes together`,
      hint: 'use smaller or fewer files',
    });
    break;
  }
  return { entries, problems };
}

/** @param known contents of the files that were read before. */
async function addBody(
  { entry, path: written, line }: BodyFile,
  cwd: string,
  list: string,
  known: Map<string, string>,
): Promise<Problem | undefined> {
  const shown = joinShown(path.dirname(list), written);
  let base64 = known.get(shown);
  if (base64 === undefined) {
    const read = await readBytes(path.resolve(cwd, shown), shown, MAX_BODY_BYTES);
    if ('problem' in read)
      return {
        file: list,
        line,
        message: `${shown} ${read.problem.message}`,
        ...(read.problem.hint === undefined ? {} : { hint: read.problem.hint }),
      };
    base64 = read.bytes.toString('base64');
    known.set(shown, base64);
  }
  Object.assign(entry, { body: { base64 } });
  return undefined;
}
