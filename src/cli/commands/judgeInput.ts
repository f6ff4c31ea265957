import { ConfigError, type Problem } from '../../base/errors.js';

/** Cumulative counts: k of n requests. */
export interface Counts {
  readonly k: number;
  readonly n: number;
}

/** Longest line that is read; a stream without line ends must not fill the memory. */
const MAX_LINE = 65_536;
const MAX_PROBLEMS = 100;

/** @returns the counts, or what is wrong with them in words. */
export function countsFrom(value: unknown): Counts | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it must hold k and n';
  const { k, n } = value as Record<string, unknown>;
  for (const [name, count] of [
    ['k', k],
    ['n', n],
  ] as const) {
    if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) {
      return `${name} must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}${count === undefined ? ', but it is missing' : ''}`;
    }
  }
  const counts = { k: k as number, n: n as number };
  return counts.k > counts.n ? `k is ${counts.k}, more than n, which is ${counts.n}` : counts;
}

/**
 * Cumulative counts, one JSON object a line; blank lines are skipped.
 * @throws ConfigError with all problems of the chunk in which the first one came (a live stream may never end).
 */
export async function* readLines(stream: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<Counts> {
  const problems: Problem[] = [];
  const parser = new LineParser(problems);
  const decoder = new TextDecoder();
  let rest = '';
  for await (const text of chunks(stream, signal)) {
    const lines = (rest + (typeof text === 'string' ? text : decoder.decode(text, { stream: true }))).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) lines.push(rest);
    for (const line of lines) {
      const counts = parser.parse(line);
      if (counts && problems.length === 0) yield counts;
    }
    if (problems.length > 0) throw new ConfigError(problems);
  }
  const counts = signal.aborted ? undefined : parser.parse(rest);
  if (problems.length > 0) throw new ConfigError(problems);
  if (counts) yield counts;
}

/** Chunks until the end or the signal. */
async function* chunks(stream: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<string | Buffer> {
  const iterator = stream[Symbol.asyncIterator]();
  let stop: () => void = () => {};
  const aborted = new Promise<{ done: true; value: undefined }>((resolve) => {
    stop = () => resolve({ done: true, value: undefined });
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

class LineParser {
  private readonly problems: Problem[];
  private line = 0;
  private last: Counts = { k: 0, n: 0 };

  constructor(problems: Problem[]) {
    this.problems = problems;
  }

  parse(text: string): Counts | undefined {
    this.line++;
    if (text.trim() === '') return undefined;
    const counts = text.length > MAX_LINE ? `it is longer than ${MAX_LINE} characters` : countsOf(text);
    if (typeof counts === 'string') return this.refuse(`${JSON.stringify(text.slice(0, 60))}: ${counts}`);
    const { k, n } = this.last;
    if (counts.n < n || counts.k < k || counts.n - counts.k < n - k) {
      return this.refuse(`counts must be cumulative, but ${counts.k}/${counts.n} follows ${k}/${n}`);
    }
    this.last = counts;
    return counts;
  }

  private refuse(message: string): undefined {
    const hint = 'each line is a JSON object such as {"k":402,"n":1601}, counted since the start';
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ file: 'stdin', line: this.line, message, hint });
    return undefined;
  }
}

function countsOf(text: string): Counts | string {
  try {
    return countsFrom(JSON.parse(text));
  } catch {
    return 'it is no JSON';
  }
}
