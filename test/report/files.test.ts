import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EnvironmentError } from '../../src/base/errors.js';
import { writeReports } from '../../src/report/files.js';
import { readJournal } from '../../src/report/journal.js';
import { failingCanary, hostileJournal, makeJournal } from '../support/journals.js';

const FILES = ['index.html', 'junit.xml', 'report.json', 'summary.md'];

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'weighbridge-files-'));
});
afterEach(() => {
  fs.rmSync(dir, { recursive: true, force: true });
});

const read = () => Object.fromEntries(FILES.map((name) => [name, fs.readFileSync(path.join(dir, name), 'utf8')]));

test.each([
  ['a run that passes', makeJournal({ looks: 24 })],
  ['a canary that fails', failingCanary()],
  ['an interrupted run', makeJournal({ interruptAt: { stage: 'mirror', look: 2 } })],
  ['a run that was killed before the load', makeJournal().slice(0, 2)],
  ['hostile text everywhere', hostileJournal()],
])('the same journal gives the same bytes, also after a trip through its file: %s', (_name, events) => {
  writeReports(dir, events);
  const first = read();
  const file = path.join(dir, 'journal.ndjson');
  fs.writeFileSync(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  writeReports(dir, readJournal(file));
  expect(read()).toEqual(first);
  expect(fs.readdirSync(dir).sort()).toEqual([
    'index.html',
    'journal.ndjson',
    'junit.xml',
    'report.json',
    'summary.md',
  ]);
});

test('a reporter that fails does not stop the others, but fails the whole', () => {
  const attempt = () =>
    writeReports(dir, makeJournal({ looks: 2 }), {
      'first.txt': () => 'first\n',
      'broken.txt': () => {
        throw new Error('broken on purpose');
      },
      'last.txt': (run) => `${run.verdict}\n`,
    });
  expect(attempt).toThrow(AggregateError);
  expect(fs.readdirSync(dir).sort()).toEqual(['first.txt', 'last.txt']);
});

test.skipIf(!fs.existsSync('/dev/full'))(
  'a full disk: the old report stays whole, the error names file and remedy',
  () => {
    const events = makeJournal({ looks: 2 });
    fs.writeFileSync(path.join(dir, 'report.json'), 'the old one');
    fs.symlinkSync('/dev/full', path.join(dir, 'report.json.tmp'));
    try {
      writeReports(dir, events);
      expect.unreachable();
    } catch (error) {
      const [first, ...others] = (error as AggregateError).errors;
      expect(others).toEqual([]);
      expect(first).toBeInstanceOf(EnvironmentError);
      expect(first).toMatchObject({ code: 'E_DISK_FULL', exitCode: 4, hint: expect.stringContaining('--reports DIR') });
      expect(String(first.message)).toContain('report.json');
    }
    expect(fs.readFileSync(path.join(dir, 'report.json'), 'utf8')).toBe('the old one');
    expect(fs.existsSync(path.join(dir, 'index.html'))).toBe(true);
  },
);
