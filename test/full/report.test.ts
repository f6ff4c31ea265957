import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/release/events.js';
import { writeReports } from '../../src/report/files.js';
import { foldRun } from '../../src/report/model.js';
import { axe, browserWanted, launch, openFile, overflow, unfold } from '../support/browser.js';
import { failingCanary, hostileJournal, makeJournal } from '../support/journals.js';

const RUNS: readonly (readonly [string, RunEvent[]])[] = [
  ['passing', makeJournal()],
  ['failing', failingCanary()],
  ['interrupted', makeJournal({ interruptAt: { stage: 'mirror', look: 3 } })],
  ['killed', makeJournal().slice(0, 150)],
  ['silent', makeJournal({ looks: 8, stopAfter: 'v1-only', truths: { 'v1-only': { share: 0, silent: true } } })],
  ['hostile', hostileJournal()],
];

describe.skipIf(!browserWanted())('whole reports in a browser', () => {
  let browser: Browser;
  let dir: string;
  beforeAll(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'weighbridge-full-page-'));
    for (const [name, events] of RUNS) {
      fs.mkdirSync(path.join(dir, name));
      writeReports(path.join(dir, name), events);
    }
    browser = await launch();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    fs.rmSync(dir, { recursive: true, force: true });
  });

  test.each(
    RUNS.flatMap(([name]) =>
      [375, 1280].flatMap((width) => (['light', 'dark'] as const).map((scheme) => [name, width, scheme] as const)),
    ),
  )('%s at %d px, %s', async (name, width, colorScheme) => {
    const file = path.join(dir, name, 'index.html');
    const { page, complaints, requests } = await openFile(browser, file, {
      viewport: { width, height: 800 },
      colorScheme,
    });
    await unfold(page);
    expect(await overflow(page)).toBe(0);
    expect(await axe(page)).toEqual([]);
    expect([complaints, requests]).toEqual([[], []]);
    await page.context().close();
  });

  test('without script and without styles the text is all there', async () => {
    const file = path.join(dir, 'failing', 'index.html');
    const { page } = await openFile(browser, file, {
      viewport: { width: 1280, height: 800 },
      javaScriptEnabled: false,
    });
    const text = await page.locator('body').textContent();
    for (const part of ['FAIL', 'WEIGHT_DIFFERS', 'Set the weights of v1 to 90 and v2 to 10', 'Ledger']) {
      expect(text).toContain(part);
    }
    await page.context().close();
  });
});

test('whatever event a run is killed after, every report can be written and none is green', () => {
  const events = failingCanary();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'weighbridge-full-cut-'));
  try {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: events.length - 1 }), (length) => {
        const run = writeReports(dir, events.slice(0, length));
        expect(run.verdict).not.toBe('pass');
        expect(run.exitCode).not.toBe(0);
      }),
      { seed: 11, numRuns: 60 },
    );
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
});

test('ten seeds: a promise that is kept passes, one that is broken fails with its cause', () => {
  for (let seed = 1; seed <= 10; seed++) {
    expect(foldRun(makeJournal({ seed })).verdict).toBe('pass');
    const failing = foldRun(failingCanary(seed));
    expect([failing.verdict, failing.stages[3]?.causes[0]?.code]).toEqual(['fail', 'WEIGHT_DIFFERS']);
  }
});
