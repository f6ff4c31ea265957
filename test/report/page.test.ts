import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/release/events.js';
import { writeReports } from '../../src/report/files.js';
import { sharePercent } from '../../src/report/format.js';
import { foldRun } from '../../src/report/model.js';
import { reportOf } from '../../src/report/reportJson.js';
import { axe, browserWanted, launch, openFile, overflow, unfold } from '../support/browser.js';
import { hostileJournal, makeJournal, smallFailure } from '../support/journals.js';

const RUNS: readonly (readonly [string, RunEvent[]])[] = [
  ['failing', smallFailure()],
  ['empty', makeJournal().slice(0, 1)],
  ['hostile', hostileJournal()],
];

describe.skipIf(!browserWanted())('index.html in a browser', () => {
  let browser: Browser;
  let dir: string;
  beforeAll(async () => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'weighbridge-page-'));
    for (const [name, events] of RUNS) {
      fs.mkdirSync(path.join(dir, name));
      writeReports(path.join(dir, name), events);
    }
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const open = (name: string, width: number, colorScheme: 'light' | 'dark' = 'light') =>
    openFile(browser, path.join(dir, name, 'index.html'), { viewport: { width, height: 800 }, colorScheme });

  test.each([
    ['failing', 375, 'light'],
    ['failing', 1280, 'light'],
    ['failing', 1280, 'dark'],
    ['hostile', 375, 'dark'],
    ['empty', 375, 'light'],
  ] as const)(
    '%s at %d px, %s: no complaint, no request, no sideways scroll, nothing for axe',
    async (name, width, scheme) => {
      const { page, complaints, requests } = await open(name, width, scheme);
      expect(await overflow(page)).toBe(0);
      await unfold(page);
      expect(await overflow(page)).toBe(0);
      expect(await axe(page)).toEqual([]);
      expect(complaints).toEqual([]);
      expect(requests).toEqual([]);
      await page.context().close();
    },
  );

  test('dark follows the reader: other colours, same content', async () => {
    const [light, dark] = [await open('failing', 1280), await open('failing', 1280, 'dark')];
    const colours = ({ page }: typeof light) =>
      page.evaluate(() => {
        const { document, getComputedStyle } = globalThis as never as {
          document: { body: object; querySelector(selector: string): object };
          getComputedStyle(element: object): { backgroundColor: string; color: string; fill: string };
        };
        const { backgroundColor, color } = getComputedStyle(document.body);
        return [backgroundColor, color, getComputedStyle(document.querySelector('.chart text')).fill];
      });
    const [a, b] = [await colours(light), await colours(dark)];
    for (const [index, colour] of a.entries()) expect(colour).not.toBe(b[index]);
    expect(await dark.page.locator('main').textContent()).toBe(await light.page.locator('main').textContent());
    await light.page.context().close();
    await dark.page.context().close();
  });

  test.each(RUNS)('%s: what stands on the page is what stands in report.json', async (name, events) => {
    const { page } = await open(name, 1280);
    const report = reportOf(foldRun(events));
    const words: Record<string, string> = {
      pass: 'PASS',
      fail: 'FAIL',
      inconclusive: 'INCONCLUSIVE',
      'no-data': 'NO DATA',
    };
    expect(await page.locator('h1 .word').textContent()).toBe(words[report.verdict]);
    expect(await page.locator('.facts').textContent()).toContain(`Exit code ${report.exitCode}`);
    expect(await page.locator('article.stage').count()).toBe(report.stages.length);
    for (const [index, stage] of report.stages.entries()) {
      const card = page.locator(`#stage-${index + 1}`);
      const chip = await card.locator('header .chip').textContent();
      expect(chip).toBe(stage.reached ? words[stage.verdict] : 'NOT REACHED');
      const rows = await card.locator('table.checks tbody tr').evaluateAll((elements) =>
        (
          elements as never as {
            getAttribute(name: string): string;
            querySelector(s: string): { textContent: string } | null;
          }[]
        ).map((row) => [
          row.getAttribute('data-check'),
          row.getAttribute('data-vantage'),
          row.querySelector('.share')?.textContent ?? null,
        ]),
      );
      const expected = stage.checks.map(({ name: check, vantagePoint, observed }) => [
        check,
        vantagePoint,
        observed && sharePercent(observed.share),
      ]);
      expect(rows.toSorted()).toEqual(expected.toSorted());
      for (const cause of stage.causes) expect(await card.textContent()).toContain(cause.code);
    }
    await page.context().close();
  });

  test('verdict, cause and fix stand on the first screen of a phone', async () => {
    const { page } = await open('failing', 375);
    for (const selector of ['h1 .word', '.headline', '.hero .code-name', '.hero .fix']) {
      const box = await page.locator(selector).first().boundingBox();
      expect((box?.y ?? Number.NaN) + (box?.height ?? Number.NaN)).toBeLessThan(800);
    }
    await page.context().close();
  });

  test('hostile text makes no element and no attribute', async () => {
    const { page } = await open('hostile', 1280);
    expect(await page.locator('img, script, iframe, object, embed, link').count()).toBe(0);
    expect(await page.locator('[onerror], [style]').count()).toBe(0);
    expect(await page.locator('article h2').textContent()).toContain('</script><img src=x onerror=alert(1)>]]>');
    await page.context().close();
  });

  test('every drawing has a name, and the same facts as a table beside it', async () => {
    const { page } = await open('failing', 1280);
    const figures = await page
      .locator('figure')
      .evaluateAll((elements) =>
        (elements as never as { querySelectorAll(s: string): { length: number } }[]).map((figure) => [
          figure.querySelectorAll('svg[role=img][aria-label]').length > 0,
          figure.querySelectorAll('table tbody tr').length > 0,
        ]),
      );
    expect(figures.length).toBeGreaterThan(10);
    expect(figures.every(([named, tabled]) => named && tabled)).toBe(true);
    await page.context().close();
  });
});
