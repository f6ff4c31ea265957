import { ConfigError, type Problem } from '../../base/errors.js';

/** How cumulative counts are written, read and compared. */
export interface CountsForm<T> {
  /** Nothing counted yet. */
  readonly none: T;
  /** @returns the counts, or what is wrong with them in words. */
  parse(value: unknown): T | string;
  /** Every count of `after` is at least that of `before`. */
  grew(before: T, after: T): boolean;
  show(counts: T): string;
  /** A line as it should be. */
  readonly example: string;
}

/** k of n requests. */
export interface Counts {
  readonly k: number;
  readonly n: number;
}

export const PAIR: CountsForm<Counts> = {
  none: { k: 0, n: 0 },
  parse: countsFrom,
  grew: (before, after) => after.k >= before.k && after.n - after.k >= before.n - before.k,
  show: ({ k, n }) => `${k}/${n}`,
  example: '{"k":402,"n":1601}',
};

/** Requests by version. */
export type NamedCounts = Readonly<Record<string, number>>;

export function namedForm(names: readonly string[]): CountsForm<NamedCounts> {
  return {
    none: Object.fromEntries(names.map((name) => [name, 0])),
    parse(value) {
      if (!isRecord(value)) return `it must hold ${names.join(', ')}`;
      const stranger = Object.keys(value).find((name) => !names.includes(name));
      if (stranger !== undefined)
        return `${JSON.stringify(stranger)} was promised nothing; the versions are ${names.join(', ')}`;
      for (const name of names) {
        const wrong = wrongCount(name, value[name]);
        if (wrong) return wrong;
      }
      const counts = value as NamedCounts;
      const total = names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
      return Number.isSafeInteger(total) ? counts : `together they are more than ${Number.MAX_SAFE_INTEGER}`;
    },
    grew: (before, after) => names.every((name) => (after[name] ?? 0) >= (before[name] ?? 0)),
    show: (counts) => names.map((name) => `${name}=${counts[name]}`).join(','),
    example: `{${names.map((name, index) => `${JSON.stringify(name)}:${100 * (index + 1)}`).join(',')}}`,
  };
}

/** Longest line that is read; a stream without line ends must not fill the memory. */
const MAX_LINE = 65_536;
const MAX_PROBLEMS = 100;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function wrongCount(name: string, count: unknown): string | undefined {
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return undefined;
  return `${name} must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}${count === undefined ? ', but it is missing' : ''}`;
}

function countsFrom(value: unknown): Counts | string {
  if (!isRecord(value)) return 'it must hold k and n';
  const { k, n } = value;
  const wrong = wrongCount('k', k) ?? wrongCount('n', n);
  if (wrong) return wrong;
  const counts = { k: k as number, n: n as number };
  return counts.k > counts.n ? `k is ${counts.k}, more than n, which is ${counts.n}` : counts;
}

/**
 * Cumulative counts, one JSON object a line; blank lines are skipped.
 * @throws ConfigError with all problems of the chunk in which the first one came (a live stream may never end).
 */
export async function* readLines<T>(
  stream: NodeJS.ReadableStream,
  signal: AbortSignal,
  form: CountsForm<T>,
): AsyncGenerator<T> {
  const problems: Problem[] = [];
  const parser = new LineParser(form, problems);
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

class LineParser<T> {
  private readonly form: CountsForm<T>;
  private readonly problems: Problem[];
  private line = 0;
  private last: T;

  constructor(form: CountsForm<T>, problems: Problem[]) {
    this.form = form;
    this.problems = problems;
    this.last = form.none;
  }

  parse(text: string): T | undefined {
    const { form, last } = this;
    this.line++;
    if (text.trim() === '') return undefined;
    const counts = text.length > MAX_LINE ? `it is longer than ${MAX_LINE} characters` : countsOf(text, form);
    if (typeof counts === 'string') return this.refuse(`${JSON.stringify(text.slice(0, 60))}: ${counts}`);
    if (!form.grew(last, counts)) {
      return this.refuse(`counts must be cumulative, but ${form.show(counts)} follows ${form.show(last)}`);
    }
    this.last = counts;
    return counts;
  }

  private refuse(message: string): undefined {
    const hint = `each line is a JSON object such as ${this.form.example}, counted since the start`;
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ file: 'stdin', line: this.line, message, hint });
    return undefined;
  }
}

function countsOf<T>(text: string, form: CountsForm<T>): T | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  return form.parse(value);
}
