import fs from 'node:fs';
import path from 'node:path';
import type { RunEvent } from '../release/events.js';
import { html } from './html/page.js';
import { junit } from './junit.js';
import { foldRun } from './model.js';
import { reportJson } from './reportJson.js';
import { discard, writeError } from './reportsDir.js';
import { summary } from './summary.js';
import type { RunModel } from './types.js';

/** File name -> its text, a pure function of the journal. A new reporter is a line here. */
const REPORTERS: Readonly<Record<string, (run: RunModel) => string>> = {
  'report.json': reportJson,
  'index.html': html,
  'junit.xml': junit,
  'summary.md': summary,
};

/**
 * Writes every report of a run into its folder, each whole or not at all. Rendering the same events again gives the same bytes.
 * @throws AggregateError after all others were written, with one error for each report that could not be
 */
export function writeReports(
  dir: string,
  events: Iterable<RunEvent>,
  reporters: Readonly<Record<string, (run: RunModel) => string>> = REPORTERS,
): RunModel {
  const run = foldRun(events);
  const errors: unknown[] = [];
  for (const [name, render] of Object.entries(reporters)) {
    try {
      writeWhole(path.join(dir, name), render(run));
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} reports could not be written to ${dir}`);
  return run;
}

function writeWhole(file: string, text: string): void {
  const fresh = `${file}.tmp`;
  try {
    fs.writeFileSync(fresh, text, { flush: true });
    fs.renameSync(fresh, file);
  } catch (error) {
    discard(fresh);
    throw writeError(file, error);
  }
}
