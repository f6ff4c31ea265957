import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, EnvironmentError } from '../../src/base/errors.js';
import type { RunEvent } from '../../src/release/events.js';
import { JournalWriter, readJournal } from '../../src/report/journal.js';
import { findRun, linkLatest, prepareReports } from '../../src/report/reportsDir.js';
import { hostileJournal, makeJournal } from '../support/journals.js';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'weighbridge-journal-'));
});
afterEach(() => {
  fs.rmSync(dir, { recursive: true, force: true });
});

const events = makeJournal({ looks: 3 });
const write = (runId: string, what: readonly RunEvent[]) => {
  const journal = new JournalWriter(dir, runId);
  for (const event of what) journal.append(event);
  journal.close();
  return journal.file;
};

describe('the journal', () => {
  test.each([
    ['a whole run', events],
    ['a run full of hostile text', hostileJournal()],
  ])('gives back what was written: %s', (_name, what) => {
    expect(readJournal(write('r1', what))).toEqual(JSON.parse(JSON.stringify(what)));
  });

  test('an event is in the file when append returns, one line each', () => {
    const journal = new JournalWriter(dir, 'r1');
    for (const [index, event] of events.entries()) {
      journal.append(event);
      const lines = fs.readFileSync(journal.file, 'utf8').split('\n');
      expect(lines.length).toBe(index + 2);
      expect(lines.at(-1)).toBe('');
    }
    journal.close();
    journal.close();
  });

  test('a gap in the sequence is refused before it is written', () => {
    const journal = new JournalWriter(dir, 'r1');
    journal.append(events[0] as RunEvent);
    expect(() => journal.append(events[2] as RunEvent)).toThrow(/event 2 cannot follow event 0/);
    journal.close();
    expect(readJournal(journal.file)).toHaveLength(1);
  });

  test('the journal of another run is never written over', () => {
    write('r1', events);
    expect(() => new JournalWriter(dir, 'r1')).toThrow(EnvironmentError);
  });

  test('an event that does not reach the file is an error at once, with the path', () => {
    const journal = new JournalWriter(dir, 'r1');
    journal.close();
    const attempt = () => journal.append(events[0] as RunEvent);
    expect(attempt).toThrow(EnvironmentError);
    expect(attempt).toThrow(journal.file);
  });
});

describe('reading a damaged journal', () => {
  const lines = () => fs.readFileSync(write('r1', events), 'utf8').trimEnd().split('\n');
  const damaged = (text: string) => {
    const file = path.join(dir, 'damaged.ndjson');
    fs.writeFileSync(file, text);
    return file;
  };

  test('a last line that was torn by a crash is marked as cut, wherever it was torn, and all before it is there', () => {
    const all = lines();
    const last = all.at(-1) ?? '';
    const head = `${all.slice(0, -1).join('\n')}\n`;
    for (let length = 1; length < last.length; length += 7) {
      const read = readJournal(damaged(head + last.slice(0, length)));
      expect(read).toHaveLength(all.length);
      expect(read.at(-1)).toMatchObject({ type: 'journal-cut', line: all.length });
      expect(read.slice(0, -1)).toEqual(events.slice(0, -1).map((event) => JSON.parse(JSON.stringify(event))));
    }
    expect(readJournal(damaged(head + last))).toHaveLength(all.length);
  });

  test.each([
    ['a line that is no JSON', (all: string[]) => all.with(4, '{"seq":4,'), /damaged\.ndjson:5: not JSON/],
    ['a line that is no event', (all: string[]) => all.with(4, '42'), /damaged\.ndjson:5: not an event/],
    ['a line is missing', (all: string[]) => all.toSpliced(4, 1), /damaged\.ndjson:5: event 5 where 4 must stand/],
    ['it begins in the middle', (all: string[]) => all.slice(3), /damaged\.ndjson:1: event 3 where 0 must stand/],
    ['it is empty', () => [], /begin with run-started: it is empty/],
  ])('%s: an error that names the place', (_name, damage, message) => {
    expect(() =>
      readJournal(
        damaged(
          damage(lines())
            .map((line) => `${line}\n`)
            .join(''),
        ),
      ),
    ).toThrow(message);
  });

  test('there is none', () => {
    expect(() => readJournal(path.join(dir, 'none.ndjson'))).toThrow(/cannot read .*none\.ndjson/);
  });
});

describe('the reports folder', () => {
  test('is made, and proven to be writable without a trace', () => {
    const reports = path.join(dir, 'a', 'b');
    prepareReports(reports);
    expect(fs.readdirSync(reports)).toEqual([]);
  });

  test('a file in its place is an environment error with path and remedy', () => {
    const file = path.join(dir, 'file');
    fs.writeFileSync(file, '');
    const attempt = () => prepareReports(path.join(file, 'reports'));
    expect(attempt).toThrow(EnvironmentError);
    expect(attempt).toThrow(path.join(file, 'reports'));
    try {
      attempt();
    } catch (error) {
      expect((error as EnvironmentError).hint).toMatch(/--reports DIR/);
      expect((error as EnvironmentError).exitCode).toBe(4);
    }
  });

  test('latest follows the newest run', () => {
    write('r1', events);
    write('r2', events);
    expect(fs.realpathSync(path.join(dir, 'latest'))).toBe(fs.realpathSync(path.join(dir, 'r2')));
    linkLatest(dir, 'r1');
    expect(findRun(dir, 'latest', dir)).toBe(path.join(dir, 'latest'));
    expect(fs.readlinkSync(path.join(dir, 'latest'))).toBe('r1');
  });

  test('a text file stands for the link where there are none', () => {
    write('r1', events);
    fs.rmSync(path.join(dir, 'latest'));
    fs.writeFileSync(path.join(dir, 'latest'), 'r1\n');
    expect(findRun(dir, 'latest', dir)).toBe(path.join(dir, 'r1'));
  });

  test('a run is found by id and by folder; a run that is not there names those that are', () => {
    write('r1', events);
    expect(findRun(dir, 'r1', '/')).toBe(path.join(dir, 'r1'));
    expect(findRun('/nowhere', 'r1', dir)).toBe(path.join(dir, 'r1'));
    expect(() => findRun(dir, 'r9', dir)).toThrow(ConfigError);
    expect(() => findRun(dir, 'r9', dir)).toThrow(/Runs in .*: r1/);
  });
});
