import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Problem } from '../base/errors.js';
import { joinShown, systemErrorText } from './text-file.js';

const MAX_FILES = 500;
/** Of a folder; reading so much takes some ten seconds. */
const MAX_FOLDER_BYTES = 16_777_216;

/** How many folders are looked into for manifests that are missing. */
const MAX_FOLDERS = 200;
const MANIFEST = /\.(ya?ml|json)$/i;

/** Folders below one that hold manifests, at most eight; links are not followed. */
export async function foldersBelow(root: string, shown: string): Promise<string[]> {
  const found: string[] = [];
  const waiting = [{ folder: root, shown }];
  for (let looked = 0; looked < MAX_FOLDERS && found.length < 8; looked++) {
    const next = waiting.shift();
    if (!next) break;
    const entries = await readdir(next.folder, { withFileTypes: true }).catch(() => []);
    if (next.folder !== root && entries.some((entry) => entry.isFile() && MANIFEST.test(entry.name)))
      found.push(next.shown);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
      if (entry.isDirectory() && !/^(\.|node_modules$)/.test(entry.name))
        waiting.push({ folder: path.join(next.folder, entry.name), shown: joinShown(next.shown, entry.name) });
  }
  return found;
}

/** Hint to name folders, not one above them. */
export const nameThem = (folders: readonly string[]): string => `name those that are meant: ${folders.join(', ')}`;

/** A file itself, or a folder's *.yaml, *.yml and *.json files in the order of their names, as kubectl reads them: without its subfolders. */
export async function filesOf(
  root: string,
  shown: string,
  problems: Problem[],
): Promise<{ path: string; shown: string }[]> {
  try {
    if (!(await stat(root)).isDirectory()) return [{ path: root, shown }];
    const entries = await readdir(root, { withFileTypes: true });
    const names = entries.filter((entry) => MANIFEST.test(entry.name) && !entry.isDirectory()).map(({ name }) => name);
    names.sort();
    if (names.length === 0) {
      const below = await foldersBelow(root, shown);
      problems.push({
        file: shown,
        message: 'is a folder without *.yaml, *.yml or *.json files',
        hint: below.length > 0 ? nameThem(below) : 'name a file, or put one there',
      });
    }
    if (names.length > MAX_FILES) {
      problems.push({
        file: shown,
        message: `is a folder of ${names.length} manifests; at most ${MAX_FILES} are read`,
      });
      return [];
    }
    const files = names.map((name) => ({ path: path.join(root, name), shown: joinShown(shown, name) }));
    const sizes = await Promise.all(
      files.map((file) =>
        stat(file.path).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (bytes <= MAX_FOLDER_BYTES) return files;
    const message = `holds ${bytes} bytes of manifests; at most ${MAX_FOLDER_BYTES} are read`;
    problems.push({ file: shown, message, hint: 'name the files that are meant' });
    return [];
  } catch (error) {
    problems.push({ file: shown, message: systemErrorText(error), hint: 'check the path and its permissions' });
    return [];
  }
}
