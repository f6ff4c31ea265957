import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Io } from './io.js';

/** Where a program is: a path as it is, a name by PATH. @returns undefined when nothing of this name can be run */
export function findProgram(env: Io['env'], name: string): string | undefined {
  const candidates = /[/\\]/.test(name)
    ? [resolve(name)]
    : (env.PATH ?? '').split(delimiter).flatMap((folder) => (folder ? [join(folder, name)] : []));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
