/** What k6's exit codes say (errext/exitcodes/codes.go); 0 is none. Whatever it is, the load did not go as planned. */
const EXITS: Readonly<Record<number, string>> = {
  99: 'thresholds of the script were crossed',
  100: 'its setup took too long',
  101: 'its teardown took too long',
  102: 'it took too long',
  103: 'it was stopped through its REST API',
  104: 'its options are invalid',
  105: 'it was interrupted by somebody else',
  106: 'its REST API could not be started',
  107: 'the script threw an error before the load',
  108: 'the script aborted the test',
  109: 'it panicked',
  110: 'the script called the test failed',
};

export interface K6Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How k6 ended, when it did not end as it should. @param stopped it was interrupted by us. @returns undefined: as it should. */
export function exitText({ code, signal }: K6Exit, stopped: boolean): string | undefined {
  if (signal === 'SIGKILL') return 'k6 was killed (SIGKILL): by somebody, or by the system because memory ran out';
  if (signal !== null) return `k6 was ended by ${signal}`;
  if (code === 0 || (stopped && code === 105)) return undefined;
  const said = EXITS[code ?? -1];
  return `k6 ended with exit code ${code}${said ? `: ${said}` : ''}`;
}
