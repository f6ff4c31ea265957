import type { ExitCode } from '../base/errors.js';

/** What a command may know of the process. main.ts makes the real one; tests make their own. */
export interface Io {
  /** Results; with `--json` exactly one document and nothing else. */
  readonly stdout: Output;
  /** Progress and errors. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
  /** Aborted by the first Ctrl-C or SIGTERM; `reason` is the signal's name. A second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Default 0; the last call wins. Commands return normally, they never exit. */
  setExitCode(code: ExitCode): void;
}

export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
  /** False under NO_COLOR or without a TTY. */
  readonly color: boolean;
}
