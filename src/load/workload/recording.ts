import type { Problem } from '../../base/errors.js';
import type { UriEntry } from '../../scenario/types.js';
import { parseUris } from '../../scenario/uris.js';

const MAX_ARRIVALS = 5_000_000;
/** Different requests; positions are kept in 16 bits, and each is prepared before the load. */
const MAX_URIS = 10_000;
/** After so many the rest of the file is not read. */
const MAX_PROBLEMS = 20;

/** What a file of recorded arrivals holds. */
export interface Recording {
  /** Ms since the first one, ascending; shared, so that workers need no copies. */
  readonly times: Float64Array;
  /** Position in `entries` of each; undefined: the recording has times only. */
  readonly uris: Uint16Array | undefined;
  readonly entries: readonly UriEntry[];
}

/**
 * Reads recorded arrivals line by line: `TIME` or `TIME [METHOD] URI [Header: value; ...]`, where TIME is in seconds (`12.345`, from any origin) or
 * ISO 8601 (`2026-03-01T10:00:00.123Z`; without a zone it is UTC). All lines have the same form. `#` starts a comment. What is out of order is put
 * in order; the first arrival is due at the start.
 */
export class RecordingParser {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #variables: readonly string[];
  #times = new Float64Array(1024);
  #uris = new Uint16Array(1024);
  #count = 0;
  #line = 0;
  #ordered = true;
  /** Of the first line, which the others must share. */
  #form: { readonly iso: boolean; readonly uri: boolean; readonly line: number } | undefined;
  readonly #entries: UriEntry[] = [];
  /** Request as written -> position; -1: refused. */
  readonly #known = new Map<string, number>();

  /**
   * @param file as problems name it.
   * @param variables names that may stand in braces in URIs.
   */
  constructor(file: string, variables: readonly string[]) {
    this.#file = file;
    this.#variables = variables;
  }

  /** @returns false when nothing more is to be read. */
  read(row: string): boolean {
    this.#line++;
    const text = row.trim();
    if (text === '' || text.startsWith('#')) return true;
    const [, time = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
    const request = rest.startsWith('#') ? '' : rest;
    const iso = time.includes('T');
    const ms = iso ? isoMs(time) : secondsMs(time);
    if (ms === undefined) {
      this.#problem(
        `${JSON.stringify(time.slice(0, 40))} is no time`,
        'write seconds such as 12.345, or 2026-03-01T10:00:00.123Z',
      );
    } else if (this.#count === MAX_ARRIVALS) {
      this.#problem(`is arrival ${MAX_ARRIVALS + 1}; at most ${MAX_ARRIVALS} are read`, 'split the recording');
      return false;
    } else if (this.#fits(iso, request !== '')) {
      this.#add(ms, request === '' ? 0 : this.#position(request));
    }
    return this.problems.length < MAX_PROBLEMS;
  }

  /** The whole recording; undefined when there are problems. */
  finish(): Recording | undefined {
    if (this.#count === 0 && this.problems.length === 0) {
      this.problems.push({ file: this.#file, message: 'holds no arrival', hint: 'write one time a line' });
    }
    if (this.problems.length > 0) return undefined;
    const order = this.#ordered ? undefined : this.#order();
    const at = (index: number) => order?.[index] ?? index;
    const first = this.#times[at(0)] as number;
    const times = new Float64Array(new SharedArrayBuffer(8 * this.#count));
    for (let index = 0; index < times.length; index++) times[index] = (this.#times[at(index)] as number) - first;
    if (!this.#form?.uri) return { times, uris: undefined, entries: [] };
    const uris = new Uint16Array(new SharedArrayBuffer(2 * this.#count));
    for (let index = 0; index < uris.length; index++) uris[index] = this.#uris[at(index)] as number;
    return { times, uris, entries: this.#entries };
  }

  #fits(iso: boolean, uri: boolean): boolean {
    this.#form ??= { iso, uri, line: this.#line };
    const { line } = this.#form;
    if (iso !== this.#form.iso) this.#problem(`has a time of another form than line ${line}`, 'use one of the two');
    else if (uri !== this.#form.uri) {
      this.#problem(
        `has ${uri ? 'a' : 'no'} URI, line ${line} has ${uri ? 'none' : 'one'}`,
        'give all of them, or none',
      );
    } else return true;
    return false;
  }

  #position(request: string): number {
    const known = this.#known.get(request);
    if (known !== undefined) return known;
    const position = this.#parse(request);
    this.#known.set(request, position);
    return position;
  }

  #parse(request: string): number {
    const { entries, problems } = parseUris(request, this.#file, this.#variables);
    for (const { message, hint } of problems) this.#problem(message, hint);
    const [entry] = entries;
    if (!entry) return -1;
    if (entry.weight !== undefined) this.#problem('has a weight', 'leave it out: a recording says itself how often');
    if (this.#entries.length === MAX_URIS) {
      this.#problem(`has a request unlike the ${MAX_URIS} before it; no more are held ready`, 'split the recording');
    }
    return this.#entries.push({ ...entry, line: this.#line }) - 1;
  }

  #add(ms: number, uri: number): void {
    if (this.#count === this.#times.length) {
      const times = new Float64Array(2 * this.#count);
      times.set(this.#times);
      this.#times = times;
      const uris = new Uint16Array(2 * this.#count);
      uris.set(this.#uris);
      this.#uris = uris;
    }
    if (this.#count > 0 && ms < (this.#times[this.#count - 1] as number)) this.#ordered = false;
    this.#times[this.#count] = ms;
    this.#uris[this.#count++] = uri;
  }

  /** The positions in the order of their times; those of the same time as they were written. */
  #order(): Uint32Array {
    const times = this.#times;
    return Uint32Array.from({ length: this.#count }, (_, index) => index).sort(
      (a, b) => (times[a] as number) - (times[b] as number) || a - b,
    );
  }

  #problem(message: string, hint?: string): void {
    this.problems.push({ file: this.#file, line: this.#line, message, ...(hint === undefined ? {} : { hint }) });
  }
}

function secondsMs(text: string): number | undefined {
  return /^\d{1,12}(\.\d{1,12})?$/.test(text) ? Number(text) * 1000 : undefined;
}

/** Fractions of any length, since `Date` knows milliseconds only. */
function isoMs(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,12}))?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (!match) return undefined;
  const zone = (match[3] ?? 'Z').replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
  const ms = Date.parse(match[1] + zone);
  return Number.isNaN(ms) ? undefined : ms + Number(`0.${match[2] ?? '0'}`) * 1000;
}
