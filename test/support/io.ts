import { Readable } from 'node:stream';
import { EXIT, type ExitCode } from '../../src/base/errors.js';
import type { Io } from '../../src/cli/io.js';
import { runCommandLine } from '../../src/cli/program.js';

interface Options {
  readonly cwd?: string;
  readonly columns?: number;
  readonly env?: Io['env'];
  /** Ctrl-C; default: nobody presses it. */
  readonly signal?: AbortSignal;
  /** Told of everything that is written on stderr. */
  readonly heard?: (text: string) => void;
}

export interface Said {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line inside this process, with outputs that are kept. */
export async function say(
  args: readonly string[],
  { cwd = process.cwd(), columns = 80, env = {}, signal = new AbortController().signal, heard }: Options = {},
): Promise<Said> {
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
      if (name === 'stderr') heard?.(text);
    },
    isTTY: false,
    columns,
    color: false,
  });
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env,
    cwd,
    stdin: Readable.from([]),
    signal,
    setExitCode: () => EXIT.pass,
  };
  return { code: await runCommandLine(args, io), ...written };
}
