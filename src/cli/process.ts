import { EnvironmentError, EXIT, type ExitCode } from '../base/errors.js';
import type { Io, Output } from './io.js';
import { explainError, runCommandLine } from './program.js';

/** `timeout` and npm hand on what the terminal or the process group has sent already: one signal arrives twice. */
const SAME_SIGNAL_MS = 250;

/** Reads the process, runs one command, leaves with its exit code. */
export async function runCli(): Promise<void> {
  const abort = new AbortController();
  // A closed terminal must not leave a changed cluster behind; without a terminal (nohup) a hang-up concerns nobody.
  const hasTerminal = process.stdout.isTTY === true || process.stderr.isTTY === true;
  let stoppedAt = 0;
  const stop = (signal: 'SIGINT' | 'SIGTERM') => () => {
    if (!abort.signal.aborted) {
      stoppedAt = performance.now();
      abort.abort(signal);
      return;
    }
    if (performance.now() - stoppedAt < SAME_SIGNAL_MS) return;
    // The second one means: now, whatever is left behind; `weighbridge restore` puts it back.
    process.exit(signal === 'SIGINT' ? EXIT.sigint : EXIT.sigterm);
  };
  process.on('SIGINT', stop('SIGINT'));
  process.on('SIGTERM', stop('SIGTERM'));
  if (hasTerminal) process.on('SIGHUP', stop('SIGTERM'));

  const stdout = watched(process.stdout);
  const stderr = watched(process.stderr);
  const io: Io = {
    stdout: outputOf(process.stdout, process.env),
    stderr: outputOf(process.stderr, process.env),
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    signal: abort.signal,
    setExitCode: () => undefined,
  };
  // Node would leave with 1, which means that a promise is refuted.
  process.on('uncaughtException', (error) => {
    explainError(error, io.stderr);
    io.stderr.write('    should a run have been under way, `weighbridge restore` undoes what it left\n');
    process.exit(EXIT.environment);
  });

  let exitCode: ExitCode = await runCommandLine(process.argv.slice(2), io);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  const lost = stdout() ?? stderr();
  if (lost && exitCode === EXIT.pass) {
    const error = new EnvironmentError('E_OUTPUT', `the output could not be written: ${lost.message}`);
    exitCode = explainError(error, io.stderr);
  }
  process.exit(exitCode);
}

/**
 * Keeps a stream that fails from ending the process in the middle of a run: a run must still restore the cluster.
 * @returns what asks for its first error. A reader that has gone (`weighbridge ... | head`) is none.
 */
function watched(stream: NodeJS.WriteStream): () => Error | undefined {
  let first: NodeJS.ErrnoException | undefined;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') first ??= error;
  });
  return () => first;
}

function outputOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Output {
  const isTTY = stream.isTTY === true && env.TERM !== 'dumb';
  return {
    write: (text) => {
      stream.write(text);
    },
    isTTY,
    get columns() {
      // Some terminals say 0.
      return stream.columns || 80;
    },
    color: isTTY && !env.NO_COLOR,
  };
}

/** Everything is written, or its error was told: streams tell errors a tick after the write. */
const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    const told = () => setImmediate(resolve);
    if (stream.writableLength === 0 || stream.destroyed) told();
    else stream.write('', told);
  });
