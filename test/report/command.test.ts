import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError, EnvironmentError } from '../../src/base/errors.js';
import { reportCommand } from '../../src/cli/commands/report.js';
import type { Io, Output } from '../../src/cli/io.js';
import type { RunEvent } from '../../src/release/events.js';
import { writeReports } from '../../src/report/files.js';
import { JournalWriter } from '../../src/report/journal.js';
import { makeJournal, smallFailure } from '../support/journals.js';

let cwd: string;
beforeEach(() => {
  cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'weighbridge-report-'));
});
afterEach(() => {
  fs.rmSync(cwd, { recursive: true, force: true });
});

const FILES = ['index.html', 'junit.xml', 'report.json', 'summary.md'];

function runOf(runId: string, events: readonly RunEvent[]): string {
  const journal = new JournalWriter(path.join(cwd, 'reports'), runId);
  for (const event of events) journal.append(event);
  journal.close();
  writeReports(journal.dir, events);
  return journal.dir;
}

async function report(...args: string[]) {
  const output = (): Output & { text: string } => ({
    text: '',
    isTTY: false,
    columns: 100,
    color: false,
    write(text) {
      this.text += text;
    },
  });
  const [stdout, stderr] = [output(), output()];
  let exitCode = 0;
  const io: Io = {
    stdout,
    stderr,
    env: {},
    cwd,
    stdin: new PassThrough(),
    signal: new AbortController().signal,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  await reportCommand(io).exitOverride().parseAsync(args, { from: 'user' });
  return { stdout: stdout.text, stderr: stderr.text, exitCode };
}

test('renders a run again, byte for byte, from its journal alone', async () => {
  const dir = runOf('r1', smallFailure());
  const read = () => FILES.map((name) => fs.readFileSync(path.join(dir, name)));
  const first = read();
  for (const name of FILES) fs.rmSync(path.join(dir, name));
  const { stdout, stderr, exitCode } = await report('r1');
  expect(read()).toEqual(first);
  expect(exitCode).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/\nFAIL {2}Stage canary: .*\nreport {2}reports\/r1\/index\.html {3}exit 1 \(fail\)\n$/);
});

test('latest is the default; --json prints the report and nothing else', async () => {
  runOf('r1', smallFailure());
  const dir = runOf('r2', makeJournal({ looks: 2 }));
  const { stdout, stderr } = await report('--json');
  expect(stdout).toBe(fs.readFileSync(path.join(dir, 'report.json'), 'utf8'));
  expect(stderr).toMatch(/reports\/latest\/index\.html/);
});

test.each([
  ['a run that is not there', ['r9'], ConfigError, /no run r9.*\n.*Runs in .*: r1/s],
  ['a reports folder that is not there', ['--reports', 'elsewhere'], ConfigError, /No run in .*elsewhere yet/],
])('%s', async (_name, args, kind, message) => {
  runOf('r1', makeJournal({ looks: 1, stopAfter: 'v1-only' }));
  const failure = report(...args);
  await expect(failure).rejects.toThrow(kind);
  await expect(failure).rejects.toThrow(message);
});

test('a damaged journal names its line, and leaves the old reports alone', async () => {
  const dir = runOf('r1', makeJournal({ looks: 1, stopAfter: 'v1-only' }));
  const file = path.join(dir, 'journal.ndjson');
  const before = fs.readFileSync(path.join(dir, 'report.json'), 'utf8');
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"type":"seeded"', '"type":"seeded'));
  const failure = report('r1');
  await expect(failure).rejects.toThrow(EnvironmentError);
  await expect(failure).rejects.toThrow(/journal\.ndjson:2: not JSON/);
  expect(fs.readFileSync(path.join(dir, 'report.json'), 'utf8')).toBe(before);
});

test('a journal that is cut in the middle of a line is rendered up to there, and every report says so', async () => {
  const dir = runOf('r1', smallFailure());
  const file = path.join(dir, 'journal.ndjson');
  const text = fs.readFileSync(file, 'utf8');
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.includes('"type":"window-closed"'));
  const whole = lines.slice(0, at).join('\n');
  fs.writeFileSync(file, `${whole}\n${(lines[at] ?? '').slice(0, 20)}`);
  const said = `The journal is cut in the middle of line ${at + 1}, in stage mirror: what came after it is missing.`;
  const { stdout, exitCode } = await report('r1');
  expect(exitCode).toBe(0);
  expect(stdout).toContain(said);
  expect(stdout).toMatch(/exit 4 \(environment\)\n$/);
  for (const name of ['index.html', 'junit.xml', 'summary.md', 'report.json'])
    expect(fs.readFileSync(path.join(dir, name), 'utf8')).toContain(said);
  const json = JSON.parse(fs.readFileSync(path.join(dir, 'report.json'), 'utf8'));
  expect(json).toMatchObject({ verdict: 'inconclusive', exitCode: 4, finished: false, journalCutAtLine: at + 1 });
  expect(json.stages[0].looks).toBe(lines.slice(0, at).filter((line) => line.includes('"type":"look"')).length);
});

test('--verbose tells how every required check was decided', async () => {
  runOf('r1', smallFailure());
  const { stdout } = await report('r1', '--verbose');
  expect(stdout).toMatch(/\n {2}fail {10}Share of v2, (client|source proxy): .* is refuted at error rate/);
  expect(stdout).toMatch(/\n {16}n = [\d,]+ (marked answers|calls); average of beta-binomial mixtures/);
});
