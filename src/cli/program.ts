import { Command, CommanderError, Help, type Option } from 'commander';
import { ConfigError, EXIT, type ExitCode, errorText, WeighbridgeError } from '../base/errors.js';
import type { Io, Output } from './io.js';
import { packageVersion } from './package.js';

/** In the order of the help. Loaded when they are called: all together take most of a second. */
const COMMANDS: Readonly<Record<string, () => Promise<(io: Io) => Command>>> = {
  run: async () => (await import('./commands/run.js')).runCommand,
  load: async () => (await import('./commands/load.js')).loadCommand,
  verify: async () => (await import('./commands/verify.js')).verifyCommand,
  judge: async () => (await import('./commands/judge.js')).judgeCommand,
  plan: async () => (await import('./commands/plan.js')).planCommand,
  explain: async () => (await import('./commands/explain.js')).explainCommand,
  diagnose: async () => (await import('./commands/diagnose.js')).diagnoseCommand,
  lab: async () => (await import('./commands/lab.js')).labCommand,
  report: async () => (await import('./commands/report.js')).reportCommand,
  restore: async () => (await import('./commands/restore.js')).restoreCommand,
  init: async () => (await import('./commands/init.js')).initCommand,
};

const EXIT_CODES = `
Exit codes:
  0        pass
  1        fail: a promise is refuted
  2        inconclusive, no data or invalid run
  3        usage or configuration
  4        environment unreachable, or harness error
  130/143  interrupted by Ctrl-C/SIGTERM

Examples:
  release Pitstop on the embedded lab, stage by stage, under load:
    weighbridge run
  an own scenario on the cluster of the current kube context:
    weighbridge run shop/ --target cluster
  how many requests and seconds each verdict will take:
    weighbridge plan shop/
  where these objects send a request:
    weighbridge explain -f manifests/ --from webapp.shop --to cart:8080
  why a live split is wrong:
    weighbridge diagnose --service cart -n shop --expect v2=10%
`;

/** Help is never wider, however wide the terminal is. */
const WIDEST_HELP = 120;

/**
 * Runs one command.
 * @param args without the names of the interpreter and the program
 * @returns its exit code; never throws: errors are told on stderr
 */
export async function runCommandLine(args: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.pass;
  const settable: Io = {
    ...io,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  try {
    const program = await makeProgram(settable, commandsFor(args));
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    return explainError(error, io.stderr);
  }
}

/** The names of the commands that an answer needs: one, or all for the help and for a guess at what was meant. */
function commandsFor(args: readonly string[]): readonly string[] {
  const [first = ''] = args;
  if (first === '-V' || first === '--version') return [];
  return Object.hasOwn(COMMANDS, first) ? [first] : Object.keys(COMMANDS);
}

async function makeProgram(io: Io, commands: readonly string[]): Promise<Command> {
  const program = new Command('weighbridge')
    .description(
      'Drives traffic over the weighbridge and reads what it really weighs: verdicts with stated error rates on canary traffic splits in a service mesh.',
    )
    .version(packageVersion(), '-V, --version')
    .addHelpText('after', EXIT_CODES);
  for (const name of commands) {
    const make = await COMMANDS[name]?.();
    if (make) program.addCommand(make(io));
  }
  settle(program, io, 'weighbridge');
  return program;
}

/** What all commands share; commander hands nothing down to commands that were made elsewhere. */
function settle(command: Command, io: Io, name: string): void {
  command
    .exitOverride()
    .configureHelp({ optionDescription })
    .showHelpAfterError(`(try ${name} --help)`)
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => Math.min(io.stdout.columns, WIDEST_HELP),
      getErrHelpWidth: () => Math.min(io.stderr.columns, WIDEST_HELP),
    });
  for (const one of command.commands) settle(one, io, `${name} ${one.name()}`);
}

/** As commander's, without "(default: false)" and "(default: [])", which say nothing. */
function optionDescription(option: Option): string {
  const { defaultValue } = option;
  const empty = defaultValue === false || (Array.isArray(defaultValue) && defaultValue.length === 0);
  const shown = empty ? Object.assign(Object.create(option), { defaultValue: undefined }) : option;
  return new Help().optionDescription(shown);
}

/** Tells an error for a person. @returns the exit code that it means. */
export function explainError(error: unknown, stderr: Output): ExitCode {
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
  const stack = error instanceof Error ? (error.stack ?? errorText(error)) : errorText(error);
  stderr.write(`E_HARNESS: ${stack}\n    this is a fault of weighbridge; please report it with the lines above\n`);
  return EXIT.environment;
}
