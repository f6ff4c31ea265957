/**
 * Process exit codes (a contract):
 * pass, a promise is refuted, no verdict, bad usage or configuration, environment unreachable or harness error, interrupted.
 */
export const EXIT = {
  pass: 0,
  fail: 1,
  inconclusive: 2,
  config: 3,
  environment: 4,
  sigint: 130,
  sigterm: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One fault of an input: where it is, what was found, what is allowed. */
export interface Problem {
  /** File as the user named it, or the command-line option; undefined for values without a place. */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** Path inside the document, such as `stages[2].expect.share`. */
  readonly path?: string;
  /** What was found and what is allowed, one sentence. */
  readonly message: string;
  /** What to do, one sentence; names the nearest valid key for a typo. */
  readonly hint?: string;
}

/** `file:line:column: path: message (hint)` with the parts that are known. */
export function formatProblem(p: Problem): string {
  const place = [p.file, p.line, p.column].filter((part) => part !== undefined).join(':');
  return [place, p.path, p.message].filter((part) => part).join(': ') + (p.hint ? `\n    ${p.hint}` : '');
}

/** An error made for a person: message says what happened, hint what to do, exitCode what the process answers. */
export class WeighbridgeError extends Error {
  override readonly name: string = 'WeighbridgeError';
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(code: string, exitCode: ExitCode, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Every problem of the user's input at once; exit code 3. */
export class ConfigError extends WeighbridgeError {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super('E_CONFIG', EXIT.config, problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** Something outside (API server, Prometheus, port, disk) refuses before the load; exit code 4. */
export class EnvironmentError extends WeighbridgeError {
  override readonly name = 'EnvironmentError';

  constructor(code: string, message: string, hint?: string, options?: ErrorOptions) {
    super(code, EXIT.environment, message, hint, options);
  }
}

/** The text of anything thrown, with Node's system-error code where there is one. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${errorText(error.cause)}` : '';
  if (error instanceof AggregateError && !error.message) return error.errors.map(errorText).join('; ');
  return (error.message || error.name) + cause;
}
