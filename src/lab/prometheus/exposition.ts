import { type Labels, METRIC_NAME, makeLabels } from './labels.js';

/** A page that is not in Prometheus' text format; the message names the line. */
export class ExpositionError extends Error {
  /** How many samples stood before the fault: Prometheus reports them as scraped. */
  samplesBefore = 0;
}

interface ExposedSample {
  /** The text of name and labels as the page writes it, not yet looked into: `up{job="a"}`. */
  readonly identity: string;
  readonly value: number;
  /** ms since the epoch, where the page states one. */
  readonly timeMs: number | undefined;
}

export interface MetricMetadata {
  type: string;
  help: string;
}

export interface ExposedPage {
  readonly samples: readonly ExposedSample[];
  /** By metric name, from `# TYPE` and `# HELP`. */
  readonly metadata: ReadonlyMap<string, MetricMetadata>;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const SPECIAL = /^([+-]?)(?:inf|infinity)$/i;

/** A number as Go's ParseFloat reads it (no hexadecimal, no underscores, no overflow), or undefined. */
export function parseGoFloat(text: string): number | undefined {
  if (NUMBER.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  if (/^nan$/i.test(text)) return Number.NaN;
  const special = SPECIAL.exec(text);
  if (!special) return undefined;
  return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const TYPES = new Set(['counter', 'gauge', 'histogram', 'summary', 'untyped']);
const COMMENT = /^#[ \t]*(HELP|TYPE)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]+(.*))?$/;

/**
 * Reads the text exposition format, version 0.0.4 (prometheus.io, "Exposition formats"). One broken line breaks the page,
 * as in Prometheus, whose scrape then stores nothing of it.
 */
export function parseExposition(text: string): ExposedPage {
  const samples: ExposedSample[] = [];
  const metadata = new Map<string, MetricMetadata>();
  try {
    readLines(text, samples, metadata);
  } catch (error) {
    if (error instanceof ExpositionError) error.samplesBefore = samples.length;
    throw error;
  }
  return { samples, metadata };
}

function readLines(text: string, samples: ExposedSample[], metadata: Map<string, MetricMetadata>): void {
  let position = 0;
  while (position < text.length) {
    const first = skipBlanks(text, position);
    if (text[first] === '\n') position = first + 1;
    else if (first >= text.length) break;
    else if (text[first] === '#') {
      const end = lineEnd(text, first);
      readComment(text.slice(first, end), metadata);
      position = end + 1;
    } else {
      const identityEnd = endOfIdentity(text, first);
      const end = lineEnd(text, identityEnd);
      samples.push(readSample(text, first, identityEnd, end));
      position = end + 1;
    }
  }
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at;
}

function broken(text: string, at: number, what: string): ExpositionError {
  const line = text.slice(0, at).split('\n').length;
  return new ExpositionError(`line ${line}: ${what}`);
}

function readComment(line: string, metadata: Map<string, MetricMetadata>): void {
  const [, kind, name, rest = ''] = COMMENT.exec(line) ?? [];
  if (!name) return;
  const entry = metadata.get(name) ?? { type: 'unknown', help: '' };
  if (kind === 'HELP') {
    entry.help = rest.replace(/\\(\\|n)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : '\\'));
  } else {
    const type = rest.trim();
    if (!TYPES.has(type)) throw new ExpositionError(`invalid metric type "${type}"`);
    entry.type = type === 'untyped' ? 'unknown' : type;
  }
  metadata.set(name, entry);
}

/** Where name and labels end: after the closing brace outside quotes, or at the first blank when there are no labels. */
function endOfIdentity(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '{' && text[at] !== ' ' && text[at] !== '\t' && text[at] !== '\n') at++;
  const open = skipBlanks(text, at);
  if (text[open] !== '{') return at;
  // Jumping from quote to quote is what keeps a scrape of thousands of long lines cheap.
  let brace = -1;
  for (at = open + 1; ; ) {
    if (brace < at) brace = text.indexOf('}', at);
    if (brace < 0) throw broken(text, from, 'unclosed label set');
    const quote = text.indexOf('"', at);
    if (quote < 0 || quote > brace) return brace + 1;
    at = closingQuote(text, quote) + 1;
    if (at === 0) throw broken(text, from, 'unclosed label set');
  }
}

/** The quote that ends the string opened at `quote`, or -1. */
function closingQuote(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return -1;
}

function readSample(text: string, from: number, identityEnd: number, end: number): ExposedSample {
  const [valueText = '', timeText, ...more] = text
    .slice(identityEnd, end)
    .split(/[ \t]+/)
    .filter((part) => part !== '');
  const value = parseGoFloat(valueText);
  if (value === undefined || more.length > 0)
    throw broken(text, from, `expected value after metric, got ${JSON.stringify(valueText)}`);
  if (timeText !== undefined && !/^-?\d+$/.test(timeText))
    throw broken(text, from, `expected timestamp, got ${JSON.stringify(timeText)}`);
  return {
    identity: text.slice(from, identityEnd),
    value,
    timeMs: timeText === undefined ? undefined : Number(timeText),
  };
}

const NAME = /[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*/y;
const PAIR = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:\\[\s\S]|[^\\"])*)"[ \t]*(,|(?=\}))/y;
const ESCAPES: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/** Name and labels of one sample, empty values kept: honor_labels needs to know that the page said "none". */
export function parseIdentity(identity: string): Map<string, string> {
  NAME.lastIndex = 0;
  const name = NAME.exec(identity)?.[1];
  if (name === undefined) throw new ExpositionError(`invalid metric name in ${JSON.stringify(identity)}`);
  const labels = new Map([[METRIC_NAME, name]]);
  let at = NAME.lastIndex;
  if (at === identity.length) return labels;
  if (identity[at] !== '{') throw new ExpositionError(`unexpected text in ${JSON.stringify(identity)}`);
  at = skipBlanks(identity, at + 1);
  while (at < identity.length - 1) {
    PAIR.lastIndex = at;
    const [, label, value] = PAIR.exec(identity) ?? [];
    if (label === undefined || value === undefined)
      throw new ExpositionError(`invalid labels in ${JSON.stringify(identity)}`);
    if (label === METRIC_NAME || labels.has(label))
      throw new ExpositionError(`label ${label} twice in ${JSON.stringify(identity)}`);
    labels.set(label, value.includes('\\') ? value.replace(/\\[\\"n]/g, (code) => ESCAPES[code] ?? code) : value);
    at = skipBlanks(identity, PAIR.lastIndex);
  }
  return labels;
}

/** The series' labels under `honor_labels: true`: the page's labels win over the target's, even where the page says "". */
export function honorLabels(exposed: ReadonlyMap<string, string>, target: Readonly<Record<string, string>>): Labels {
  return makeLabels([...Object.entries(target), ...exposed]);
}
