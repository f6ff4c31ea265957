import path from 'node:path';
import { Command } from 'commander';
import { EXIT } from '../../base/errors.js';
import { writeReports } from '../../report/files.js';
import { readJournal } from '../../report/journal.js';
import { reportJson } from '../../report/reportJson.js';
import { findRun, JOURNAL_FILE } from '../../report/reportsDir.js';
import { renderLine } from '../../report/terminal/line.js';
import { runResult } from '../../report/terminal/results.js';
import type { Io } from '../io.js';

const HELP = `
Renders report.json, index.html, junit.xml and summary.md again from
journal.ndjson alone, byte for byte what the run wrote. Verdicts are recomputed
from the raw counts.

Exit codes: 0 rendered, whatever the verdict of the run (it stands in the
output) · 3 no such run · 4 journal damaged, or files cannot be written

Examples:
  weighbridge report                           the latest run
  weighbridge report 20260701-120000-pitstop-canary-1f2e
  weighbridge report artifacts/run-7 --json    a journal from elsewhere
`;

/** `weighbridge report [run]` */
export function reportCommand(io: Io): Command {
  return new Command('report')
    .description('render a run again from its journal alone')
    .argument('[run]', 'run id, folder with a journal, or `latest`', 'latest')
    .option('--reports <dir>', 'folder of all runs', 'reports')
    .option('--verbose', 'tell how every check was decided, with its statistics')
    .option('--json', 'print report.json on stdout, progress on stderr')
    .addHelpText('after', HELP)
    .action((run: string, options: { reports: string; json?: boolean; verbose?: boolean }) => {
      const reports = path.resolve(io.cwd, options.reports);
      const dir = findRun(reports, run, io.cwd);
      const model = writeReports(dir, readJournal(path.join(dir, JOURNAL_FILE)));
      const shown = path.relative(io.cwd, dir) || dir;
      const out = options.json ? io.stderr : io.stdout;
      const result = runResult(model, path.join(shown, 'index.html'), out.columns, options.verbose);
      for (const one of result) out.write(`${renderLine(one, out.color)}\n`);
      if (options.json) io.stdout.write(reportJson(model));
      io.setExitCode(EXIT.pass);
    });
}
