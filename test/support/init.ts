import { PassThrough } from 'node:stream';
import { ConfigError } from '../../src/base/errors.js';
import { initCommand } from '../../src/cli/commands/init.js';
import type { Io } from '../../src/cli/io.js';
import { said } from './scenario.js';

/** Runs `init` in a folder. @returns all that it printed. */
export async function init(cwd: string, ...args: string[]): Promise<string> {
  let text = '';
  const output = {
    write: (more: string) => {
      text += more;
    },
    isTTY: false,
    columns: 80,
    color: false,
  };
  const io: Io = {
    stdout: output,
    stderr: output,
    env: {},
    cwd,
    stdin: new PassThrough(),
    signal: new AbortController().signal,
    setExitCode: () => {},
  };
  await initCommand(io).exitOverride().parseAsync(args, { from: 'user' });
  return text;
}
/** The problems that it refuses with; empty: it did not refuse. */
export const refusal = async (cwd: string, ...args: string[]) =>
  init(cwd, ...args).then(
    () => [],
    (error: unknown) => (error instanceof ConfigError ? error.problems.map(said) : Promise.reject(error)),
  );
