import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Outcome } from './run.js';

/** Runs that were made, each under the number of its cause, or of its healthy trial, and its seed. */
export class ReportFile {
  readonly #file: string;
  readonly #outcomes: Map<string, Outcome>;

  /** @param resume keeps what an earlier run wrote. */
  constructor(file: string, resume: boolean) {
    this.#file = file;
    const before = resume && existsSync(file) ? readFileSync(file, 'utf8') : '{}';
    this.#outcomes = new Map(
      Object.entries((JSON.parse(before) as { outcomes?: Record<string, Outcome> }).outcomes ?? {}),
    );
  }

  get(key: string): Outcome | undefined {
    return this.#outcomes.get(key);
  }

  /** Written at once, so that an interrupted run can be resumed. */
  add(key: string, outcome: Outcome): void {
    this.#outcomes.set(key, outcome);
    this.write({});
  }

  write(summary: object): void {
    mkdirSync(dirname(this.#file), { recursive: true });
    const report = { ...summary, outcomes: Object.fromEntries(this.#outcomes) };
    writeFileSync(this.#file, `${JSON.stringify(report, undefined, 2)}\n`);
  }
}
