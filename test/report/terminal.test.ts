import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/base/clock.js';
import { type Millis, millis } from '../../src/base/units.js';
import type { RunEvent } from '../../src/release/events.js';
import { foldRun } from '../../src/report/model.js';
import { bar, line, piece, renderLine, table } from '../../src/report/terminal/line.js';
import { liveView, type Screen } from '../../src/report/terminal/liveView.js';
import { progressBlock } from '../../src/report/terminal/progress.js';
import { runResult } from '../../src/report/terminal/results.js';
import { failingCanary, hostileJournal, makeJournal, pitstop } from '../support/journals.js';

/** Time stands still until it is set; sleepers wake when their time has come. */
class SteppedClock implements Clock {
  #now = 0;
  readonly #sleepers: { at: number; wake: () => void }[] = [];
  now = (): Millis => millis(this.#now);
  wallMs = () => Date.UTC(2026, 6, 1, 12) + this.#now;
  sleepUntil(at: Millis, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted || at <= this.#now) return resolve();
      const wake = () => {
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      signal?.addEventListener('abort', wake, { once: true });
      this.#sleepers.push({ at, wake });
    });
  }
  /** Steps of 100 ms; everybody who wakes runs to his next sleep. */
  async advance(ms: number): Promise<void> {
    for (const end = this.#now + ms; this.#now < end; ) {
      this.#now += 100;
      for (const sleeper of this.#sleepers.splice(0)) {
        if (sleeper.at <= this.#now) sleeper.wake();
        else this.#sleepers.push(sleeper);
      }
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
  }
}

function screen(isTTY: boolean, columns = 100, color = false): Screen & { writes: string[]; shown(): string[] } {
  const writes: string[] = [];
  return {
    isTTY,
    columns,
    color,
    writes,
    write: (text) => {
      writes.push(text);
    },
    shown: () => emulate(writes.join('')),
  };
}

/** What stands on a terminal in the end: newline, cursor up, carriage return, erase below; nothing else may occur. */
function emulate(text: string): string[] {
  const rows: string[] = [''];
  let row = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the sequences under test
  for (const token of text.match(/\u001b\[\d*[AJ]|\r|\n|[^\u001b\r\n]+|\u001b/g) ?? []) {
    if (token === '\n') {
      row += 1;
      rows[row] ??= '';
    } else if (token.endsWith('A') && token.startsWith('\u001b')) row -= Number(token.slice(2, -1));
    else if (token === '\u001b[J') rows.splice(row, rows.length, '');
    else if (token !== '\r') rows[row] += token;
  }
  return rows;
}

async function play(events: readonly RunEvent[], out: Screen, silenceAfter?: { at: number; ms: number }) {
  const clock = new SteppedClock();
  const view = liveView(out, { reportDir: 'reports/r1', clock });
  let last = events[0]?.at ?? 0;
  for (const [index, event] of events.entries()) {
    await clock.advance(event.at - last);
    last = event.at;
    view.push(event);
    if (silenceAfter?.at === index) await clock.advance(silenceAfter.ms);
  }
  view.close();
  view.close();
  return clock.now() / 1000;
}

const short = makeJournal({ looks: 24, scenario: { ...pitstop, stages: pitstop.stages.slice(0, 4) } });

describe('with a terminal', () => {
  test('finished stages stay, the block goes, the result stands at the end', async () => {
    const out = screen(true);
    await play(failingCanary(), out);
    const text = out.shown().join('\n');
    expect(text).toMatch(/^PASS {2}v1-only {2}v2 gets 0\.0 % \[0\.0, \d\.\d+\], promised 0 \(below 1\)/);
    expect(text).toMatch(/FAIL {2}canary {2}v2 gets 2\d\.\d % .* promised 10 \+-3/);
    expect(text).toMatch(
      /! WEIGHT_DIFFERS {2}VirtualService\/pitstop\/customermanagementapi\n {4}The weights in force are not those promised \(over 99 % likely\)\.\n {4}spec\.http\[0\]\.route\[1\]\.weight: found 25; expected 10\n {4}fix: /,
    );
    expect(text).toMatch(/even +NOT REACHED/);
    expect(text).toMatch(/\nreport {2}reports\/r1\/index\.html {3}exit 1 \(fail\)\n$/);
    expect(text.match(/\[[#.]{20}\]/)).toBeNull();
  });

  test('is redrawn at most ten times a second, and never wider than the screen', async () => {
    const out = screen(true, 72);
    const seconds = await play(short, out);
    const blocks = out.writes.filter((text) => text.includes('pitstop-canary on lab'));
    expect(blocks.length).toBeGreaterThan(seconds);
    // What is written above the block makes room for it once more.
    const stages = short.filter(({ type }) => type === 'stage-finished').length;
    expect(blocks.length).toBeLessThanOrEqual(seconds * 10 + stages + 1);
    const widest = Math.max(...blocks.flatMap((text) => emulate(text)).map((row) => row.length));
    expect(widest).toBeLessThanOrEqual(71);
  });

  test('the block shows load, each required check and what each vantage point counted', () => {
    const half = short.slice(0, 43);
    const run = foldRun(half);
    const text = progressBlock(run, run.lastAt, 120)
      .map((one) => renderLine(one, false))
      .join('\n');
    expect(text).toMatch(/^pitstop-canary on lab {3}seed 7 {3}stage 2\/4 dark/);
    expect(text).toMatch(/\[#+\.*\] counting, \d+ looks/);
    expect(text).toMatch(
      /load {4}1,000 users {2}1,500 rps {2}p50 \d+ ms {2}p99 \d+ ms {2}errors 0\.0 % {2}late 0\.04 %/,
    );
    expect(text).toMatch(/share:v2 client +0\.0 % {2}\[0\.0, \d+\.\d+\] +want 0 \(below 1\)/);
    expect(text).toMatch(/share:v2 source/);
    expect(text).toMatch(/client \d[\d,]* {3}source \d[\d,]* {3}destination \d[\d,]* {3}graph \d/);
  });
});

describe('without a terminal', () => {
  test('lines stand for themselves, a look at most every five seconds', async () => {
    const out = screen(false);
    await play(short, out);
    const text = out.writes.join('');
    expect(text).not.toContain('\u001b');
    expect(out.writes.every((one) => one.endsWith('\n'))).toBe(true);
    expect(text).toMatch(
      /\n12:\d\d:\d\d canary running share:v2=\d+\.\d% ci=\[[\d.]+,[\d.]+\] n=\d+ vantage=client rps=1,500 errors=0\.0%\n/,
    );
    expect(text).toMatch(/\n12:\d\d:\d\d PASS {2}canary /);
    const looks = text.match(/ running share/g)?.length ?? 0;
    // Four stages of 12 s.
    expect(looks).toBeGreaterThanOrEqual(8);
    expect(looks).toBeLessThanOrEqual(12);
  });

  test('is never silent for more than 30 s', async () => {
    const out = screen(false);
    const waiting = short.findIndex(({ type }) => type === 'waiting');
    await play(short.slice(0, waiting + 2), out, { at: waiting, ms: 95_000 });
    expect(out.writes.filter((text) => text.includes('v1-only waiting for the routes of 1 proxy')).length).toBe(3);
  });
});

describe('text from servers', () => {
  test.each([
    ['with a terminal', true],
    ['without', false],
  ])('brings no escape sequence and no control character: %s', async (_name, isTTY) => {
    const out = screen(isTTY);
    await play(hostileJournal(), out);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the view's own sequences are taken off
    const text = out.writes.join('').replace(/\u001b\[\d+A\r\u001b\[J/g, '');
    expect(text).toMatch(/^[\n\u0020-\u007e]*$/);
    expect(text).toContain('<img src=x onerror=alert(1)>');
  });
});

describe('lines', () => {
  test.each([
    ['cut at the width', line('abc', piece('def', 'bold')), 4, 'abcd'],
    ['dots where there is room for them', line('a long sentence'), 10, 'a long ...'],
    ['no trailing space', line('abc   '), undefined, 'abc'],
    ['what is not ASCII is shown as such', line('10 ± 3\u202f% – ü'), undefined, '10 +- 3 % - ?'],
    ['a line break stays on the line', line('a\nb'), undefined, 'a b'],
  ])('%s', (_name, pieces, columns, text) => {
    expect(renderLine(pieces, false, columns)).toBe(text);
  });

  test('colour only where it is wanted, and outside the width', () => {
    const pieces = line(piece('PASS', 'ok'), ' rest');
    expect(renderLine(pieces, false, 6)).toBe('PASS r');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
    expect(renderLine(pieces, true, 6).replace(/\u001b\[\d+m/g, '')).toBe('PASS r');
    expect(renderLine(pieces, true, 6)).toContain('\u001b[32m');
  });

  test.each([
    [0, '[..........]'],
    [0.5, '[#####.....]'],
    [1, '[##########]'],
    [7, '[##########]'],
    [-1, '[..........]'],
  ])('a bar of %d', (share, text) => {
    expect(bar(share, 10)).toBe(text);
  });

  test('columns of a table are as wide as their widest cell', () => {
    const rows = table([
      [piece('a'), piece('bbbb'), piece('c')],
      [piece('dddd'), piece('e'), piece('f')],
    ]);
    expect(rows.map((row) => renderLine(row, false))).toEqual(['a     bbbb  c', 'dddd  e     f']);
  });

  test('the result fits a narrow terminal: shares without intervals', () => {
    const run = foldRun(short);
    const rows = (columns: number) => runResult(run, 'r/index.html', columns).map((one) => renderLine(one, false));
    expect(rows(200).find((row) => row.startsWith('canary'))).toMatch(/PASS .*v2 \d+\.\d \[/);
    expect(rows(80).find((row) => row.startsWith('canary'))).toMatch(/PASS .*v2 \d+\.\d +v2/);
    expect(
      Math.max(
        ...rows(80)
          .slice(0, 8)
          .map((row) => row.length),
      ),
    ).toBeLessThanOrEqual(80);
  });
});
