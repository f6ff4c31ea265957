import fs from 'node:fs';
import path from 'node:path';
import { EnvironmentError, errorText } from '../base/errors.js';
import type { RunEvent } from '../release/events.js';
import { JOURNAL_FILE, linkLatest, writeError } from './reportsDir.js';

/** Events that come often and that no change waits for: written at once, but the disk is not waited for. */
const LAZY: ReadonlySet<RunEvent['type']> = new Set(['look', 'soak-look', 'waiting']);

/**
 * The journal of a run: `<reports>/<run-id>/journal.ndjson`, append-only, one event a line. When `append` returns, the event is
 * on disk (looks and waiting notes: handed to the system), so nothing can change before it is recorded.
 */
export class JournalWriter {
  /** `<reports>/<run-id>` */
  readonly dir: string;
  readonly file: string;
  readonly #fd: number;
  #open = true;
  #seq = 0;

  /** Starts the journal and points `<reports>/latest` to it. @throws EnvironmentError with the path and the remedy */
  constructor(reports: string, runId: string) {
    this.dir = path.join(reports, runId);
    this.file = path.join(this.dir, JOURNAL_FILE);
    try {
      fs.mkdirSync(this.dir, { recursive: true });
      // Exclusive: a journal is never continued or overwritten by another run.
      this.#fd = fs.openSync(this.file, 'ax');
    } catch (error) {
      throw writeError(this.file, error);
    }
    linkLatest(reports, runId);
  }

  /** @throws EnvironmentError when the event could not be written whole (disk full, folder gone, gap in seq) */
  append(event: RunEvent): void {
    if (event.seq !== this.#seq) {
      throw new EnvironmentError('E_JOURNAL', `${this.file}: event ${event.seq} cannot follow event ${this.#seq - 1}`);
    }
    const line = Buffer.from(`${JSON.stringify(event)}\n`);
    try {
      // A write may be partial (a nearly full disk takes what fits); the rest then fails with the reason.
      for (let written = 0; written < line.length; ) written += fs.writeSync(this.#fd, line, written);
      if (!LAZY.has(event.type)) fs.fsyncSync(this.#fd);
    } catch (error) {
      throw writeError(this.file, error);
    }
    this.#seq += 1;
  }

  /** Idempotent. */
  close(): void {
    if (this.#open) fs.closeSync(this.#fd);
    this.#open = false;
  }
}

/**
 * The events of a journal. A last line that is cut in the middle, as a killed run or a broken copy leaves it, becomes the event `journal-cut`.
 * @throws EnvironmentError when it cannot be read, or when a line is no event or out of order (names file and line)
 */
export function readJournal(file: string): RunEvent[] {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new EnvironmentError('E_JOURNAL', `cannot read ${file}: ${errorText(error)}`, undefined, { cause: error });
  }
  const lines = text.split('\n');
  // The last element is empty when the last line is whole.
  const torn = lines.pop() ?? '';
  const events = lines.map((line, index) => parseLine(file, index, line));
  if (torn !== '' && !isJson(torn)) return [...started(file, events), cutAfter(events)];
  return started(file, torn === '' ? events : [...events, parseLine(file, lines.length, torn)]);
}

function cutAfter(events: readonly RunEvent[]): RunEvent {
  return { type: 'journal-cut', seq: events.length, at: events.at(-1)?.at ?? 0, line: events.length + 1 };
}

function started(file: string, events: RunEvent[]): RunEvent[] {
  if (events[0]?.type === 'run-started') return events;
  throw new EnvironmentError(
    'E_JOURNAL',
    `${file} does not begin with run-started: ${events.length === 0 ? 'it is empty' : `found ${events[0]?.type}`}`,
    'The run ended before it began, or the file is no journal.',
  );
}

function parseLine(file: string, index: number, line: string): RunEvent {
  const fault = (message: string) =>
    new EnvironmentError(
      'E_JOURNAL',
      `${file}:${index + 1}: ${message}`,
      'Restore the file; a journal is never edited.',
    );
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw fault(`not JSON: ${errorText(error)}`);
  }
  const event = value as Partial<RunEvent> | null;
  if (typeof event !== 'object' || event === null || typeof event.type !== 'string' || typeof event.at !== 'number') {
    throw fault('not an event: needs seq, at and type');
  }
  if (event.seq !== index) throw fault(`event ${String(event.seq)} where ${index} must stand`);
  return event as RunEvent;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
