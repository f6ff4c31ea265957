import { Command, CommanderError } from 'commander';
import { ConfigError, EXIT, type ExitCode, errorText, WeighbridgeError } from '../base/errors.js';
import { explainCommand } from './commands/explain.js';
import { initCommand } from './commands/init.js';
import { judgeCommand } from './commands/judge.js';
import { labCommand } from './commands/lab.js';
import { loadCommand } from './commands/load.js';
import { planCommand } from './commands/plan.js';
import { reportCommand } from './commands/report.js';
import { restoreCommand } from './commands/restore.js';
import { runCommand } from './commands/run.js';
import { verifyCommand } from './commands/verify.js';
import type { Io, Output } from './io.js';
import { packageVersion } from './package.js';

const EXIT_CODES = `
Exit codes: 0 pass · 1 fail (a promise is refuted) · 2 inconclusive, no data or invalid run
            3 usage or configuration · 4 environment unreachable, or harness error · 130/143 interrupted

Examples:
  weighbridge run                                     release Pitstop on the embedded lab, stage by stage, under load
  weighbridge run my/scenario.yaml --target cluster   the same on the cluster of the current kube context
  weighbridge plan my/scenario.yaml                   how many requests and seconds each verdict will take
  weighbridge explain -f manifests/ --from webapp.shop --to cart:8080
`;

/** Reads the process, runs one command, leaves with its exit code. */
export async function runCli(): Promise<void> {
  const abort = new AbortController();
  let exitCode: ExitCode = EXIT.pass;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second one means: now, whatever is left behind; `weighbridge restore` puts it back.
      if (abort.signal.aborted) process.exit(signal === 'SIGINT' ? EXIT.sigint : EXIT.sigterm);
      abort.abort(signal);
    });
  }
  const io: Io = {
    stdout: outputOf(process.stdout, process.env),
    stderr: outputOf(process.stderr, process.env),
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    signal: abort.signal,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  // `weighbridge ... | head` closes the pipe: not an error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    await makeProgram(io).parseAsync(process.argv);
  } catch (error) {
    exitCode = explainError(error, io.stderr);
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit(exitCode);
}

/** The commands; a command that is not built is absent. */
function makeProgram(io: Io): Command {
  const program = new Command('weighbridge')
    .description(
      'Drives traffic over the weighbridge and reads what it really weighs: verdicts with stated error rates on canary traffic splits in a service mesh.',
    )
    .version(packageVersion(), '-V, --version')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(try --help)');
  for (const make of [
    runCommand,
    loadCommand,
    verifyCommand,
    judgeCommand,
    planCommand,
    explainCommand,
    labCommand,
    reportCommand,
    restoreCommand,
    initCommand,
  ]) {
    program.addCommand(make(io));
  }
  const settle = (command: Command): void => {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => Math.min(io.stdout.columns, 120),
      getErrHelpWidth: () => Math.min(io.stderr.columns, 120),
    });
    command.commands.forEach(settle);
  };
  settle(program);
  return program;
}

function explainError(error: unknown, stderr: Output): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.config;
  if (error instanceof ConfigError) {
    const count = error.problems.length;
    stderr.write(`${error.message}\n\n${count} ${count === 1 ? 'problem' : 'problems'}\n`);
    return error.exitCode;
  }
  if (error instanceof WeighbridgeError) {
    stderr.write(`${error.code}: ${error.message}\n${error.hint ? `    ${error.hint}\n` : ''}`);
    return error.exitCode;
  }
  // Not made for a person: the stack helps whoever gets the bug report.
  stderr.write(
    `E_HARNESS: ${error instanceof Error ? (error.stack ?? errorText(error)) : errorText(error)}\n    this is a fault of weighbridge; please report it with the lines above\n`,
  );
  return EXIT.environment;
}

function outputOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Output {
  return {
    write: (text) => {
      stream.write(text);
    },
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
    color: stream.isTTY === true && !env.NO_COLOR,
  };
}

const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    if (stream.writableLength === 0 || stream.destroyed) return resolve();
    stream.write('', () => resolve());
  });
