import { relative } from 'node:path';
import { systemClock } from '../base/clock.js';
import { EXIT, type ExitCode, errorText, formatProblem, WeighbridgeError } from '../base/errors.js';
import type { RunEvent, RunEventBody } from '../release/events.js';
import { writeReports } from '../report/files.js';
import { JournalWriter, readJournal } from '../report/journal.js';
import { reportJson } from '../report/reportJson.js';
import { liveView } from '../report/terminal/liveView.js';
import type { Io } from './io.js';

export interface Session {
  readonly runId: string;
  readonly dir: string;
  /** Numbers the event, writes it to disk, shows it. Throws once when the journal cannot be written; later events are only shown. */
  readonly emit: (event: RunEventBody) => void;
  /** Writes every report from the journal and sets the exit code. */
  finish(): void;
}

/**
 * Connects the events of a run to the journal, the terminal and, at the end, the reports.
 * @param reports folder of all runs; @param plans what a stage is expected to take, in words, shown before it; @throws EnvironmentError when the run's folder cannot be made there.
 */
export function openSession(
  io: Io,
  reports: string,
  scenarioName: string,
  { json, verbose }: { readonly json: boolean; readonly verbose: boolean },
  plans: ReadonlyMap<string, string> = new Map(),
): Session {
  const runId = newRunId(scenarioName);
  const journal = new JournalWriter(reports, runId);
  const view = liveView(io.stderr, { reportDir: relative(io.cwd, journal.dir) || journal.dir, verbose });
  let seq = 0;
  let journalBroken = false;
  const viewErrors: unknown[] = [];
  // On a terminal the live view has the screen; elsewhere nothing would tell for seconds that the signal has been heard.
  const heard = () => {
    if (!io.stderr.isTTY)
      io.stderr.write(
        'stopping: the load ends, the cluster is put back, reports are written; another signal leaves at once\n',
      );
  };
  io.signal.addEventListener('abort', heard, { once: true });
  return {
    runId,
    dir: journal.dir,
    emit(body) {
      const event = { seq, at: systemClock.wallMs(), ...body } as RunEvent;
      try {
        if (!journalBroken) journal.append(event);
        seq += 1;
      } catch (error) {
        journalBroken = true;
        throw error;
      } finally {
        // What is shown must never decide what is recorded or undone.
        try {
          const plan = event.type === 'stage-started' ? plans.get(event.stage) : undefined;
          if (plan) view.note(`plan: ${plan}`);
          view.push(event);
        } catch (error) {
          viewErrors.push(error);
        }
      }
    },
    finish() {
      io.signal.removeEventListener('abort', heard);
      journal.close();
      const errors = [...viewErrors.slice(0, 1)];
      let exitCode: ExitCode = journalBroken ? EXIT.environment : EXIT.pass;
      try {
        view.close();
        const model = writeReports(journal.dir, readJournal(journal.file));
        if (!journalBroken) exitCode = model.exitCode;
        if (json) io.stdout.write(reportJson(model));
      } catch (error) {
        errors.push(...(error instanceof AggregateError ? error.errors : [error]));
      }
      // A broken report is never a green run.
      if (errors.length > 0) exitCode = EXIT.environment;
      for (const error of errors) io.stderr.write(`${describe(error)}\n`);
      io.setExitCode(exitCode);
    },
  };
}

function describe(error: unknown): string {
  if (!(error instanceof WeighbridgeError)) return errorText(error);
  return formatProblem({ message: `${error.code}: ${error.message}`, ...(error.hint ? { hint: error.hint } : {}) });
}

/** `20261123-031245-pitstop-canary-4f2a`: sorts by time, unique on this machine. */
export function newRunId(scenarioName: string): string {
  const stamp = new Date(systemClock.wallMs()).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const suffix = (process.pid % 65_536).toString(16).padStart(4, '0');
  return `${stamp}-${scenarioName.replace(/[^a-zA-Z0-9.-]+/g, '-').slice(0, 40)}-${suffix}`;
}
