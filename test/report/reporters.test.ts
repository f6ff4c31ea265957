import fs from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { create } from 'xmlbuilder2';
import type { RunEvent } from '../../src/release/events.js';
import { junit } from '../../src/report/junit.js';
import { foldRun } from '../../src/report/model.js';
import { reportJson, reportOf } from '../../src/report/reportJson.js';
import { MAX_SUMMARY_BYTES, summary } from '../../src/report/summary.js';
import { escapeMarkdown } from '../../src/report/text.js';
import { failingCanary, HOSTILE, hostileJournal, makeJournal } from '../support/journals.js';

const failed = (events: readonly RunEvent[]): RunEvent[] => [
  ...events.slice(0, 1),
  {
    seq: 1,
    at: (events[0]?.at ?? 0) + 30,
    type: 'failed',
    code: 'E_PROMETHEUS_UNREACHABLE',
    message: 'http://127.0.0.1:9090 refuses the connection',
    hint: 'Start Prometheus or give --prometheus-url.',
    exitCode: 4,
  },
  { seq: 2, at: (events[0]?.at ?? 0) + 31, type: 'run-finished' },
];
const RUNS = {
  passing: makeJournal(),
  failing: failingCanary(),
  interrupted: makeJournal({ interruptAt: { stage: 'mirror', look: 3 } }),
  silent: makeJournal({ looks: 8, stopAfter: 'v1-only', truths: { 'v1-only': { share: 0, silent: true } } }),
  hostile: hostileJournal(),
  refused: failed(makeJournal()),
  killed: makeJournal().slice(0, 100),
};
const runs = Object.fromEntries(Object.entries(RUNS).map(([name, events]) => [name, foldRun(events)])) as Record<
  keyof typeof RUNS,
  ReturnType<typeof foldRun>
>;

describe('report.json', () => {
  const validate = new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true }).compile(
    JSON.parse(fs.readFileSync('schema/report.schema.json', 'utf8')),
  );

  test.each(Object.entries(runs))('keeps the published schema: %s', (_name, run) => {
    validate(JSON.parse(reportJson(run)));
    expect(validate.errors).toBeNull();
  });

  test.each([
    ['an unknown verdict', (report: Record<string, unknown>) => ({ ...report, verdict: 'green' })],
    ['no exit code', ({ exitCode: _gone, ...report }: Record<string, unknown>) => report],
    [
      'a share in percent',
      (report: Record<string, unknown>) => JSON.parse(JSON.stringify(report).replace(/"share":0\.1,/, '"share":10,')),
    ],
  ])('the schema refuses %s', (_name, spoil) => {
    expect(validate(spoil(JSON.parse(reportJson(runs.passing))))).toBe(false);
  });

  test('has the fields that others script against', () => {
    const report = reportOf(runs.failing);
    expect(report).toMatchObject({
      schemaVersion: 1,
      runId: '20260701-120000-pitstop-canary-0001',
      scenario: 'pitstop-canary',
      seed: 7,
      engine: 'node',
      verdict: 'fail',
      exitCode: 1,
    });
    const canary = report.stages[3];
    expect(canary?.startedAt).toMatch(/^2026-07-01T12:0\d:\d\d\.\d{3}Z$/);
    const check = canary?.checks.find(({ name, vantagePoint }) => name === 'share:v2' && vantagePoint === 'source');
    expect(check).toMatchObject({ required: true, verdict: 'fail', expected: { share: 0.1, margin: 0.03 } });
    expect(check?.observed?.share).toBe((check?.observed?.count ?? 0) / (check?.observed?.total ?? 0));
    expect(canary?.causes[0]).toMatchObject({ code: 'WEIGHT_DIFFERS', found: '25', expected: '10' });
    expect(report.load).toMatchObject({ requests: 180_000, failed: 0, dropped: 0, generator: { valid: true } });
  });
});

interface Xml {
  readonly testsuites: Record<string, unknown>;
}
describe('junit.xml', () => {
  const parse = (xml: string) => (create(xml).end({ format: 'object' }) as unknown as Xml).testsuites;
  const list = <T>(value: T | T[] | undefined): T[] =>
    value === undefined ? [] : Array.isArray(value) ? value : [value];
  type Node = Record<string, unknown>;
  const suites = (xml: string) => list(parse(xml).testsuite as Node | Node[]);
  const cases = (xml: string) => suites(xml).flatMap((suite) => list(suite.testcase as Node | Node[]));

  test.each(Object.entries(runs))('is well formed, and its totals are those of its cases: %s', (_name, run) => {
    const xml = junit(run);
    const all = cases(xml);
    const having = (key: string) => all.filter((one) => key in one).length;
    expect(parse(xml)).toMatchObject({
      '@tests': String(all.length),
      '@failures': String(having('failure')),
      '@errors': String(having('error')),
      '@skipped': String(having('skipped')),
    });
    expect(having('failure') + having('error') > 0).toBe(run.exitCode !== 0);
  });

  test('a refuted promise is a failure with cause and fix, in attribute and body', () => {
    const failure = cases(junit(runs.failing)).find((one) => 'failure' in one)?.failure as Node;
    expect(failure['@type']).toBe('WEIGHT_DIFFERS');
    expect(failure['@message']).toMatch(/came from v2/);
    expect(failure['#']).toMatch(/spec\.http\[0\]\.route\[1\]\.weight: found 25; expected 10/);
  });

  test.each([
    ['no data', runs.silent, 'NO-DATA'],
    ['an environment that refuses', runs.refused, 'E_PROMETHEUS_UNREACHABLE'],
    ['an interrupted run', runs.interrupted, 'SIGINT'],
    ['a killed run', runs.killed, 'CRASHED'],
  ])('%s is an error, never skipped', (_name, run, type) => {
    const xml = junit(run);
    expect(cases(xml).map((one) => (one.error as Node | undefined)?.['@type'])).toContain(type);
    expect(cases(xml).filter((one) => 'skipped' in one)).toEqual([]);
  });

  test('hostile text neither breaks out nor brings control characters', () => {
    const xml = junit(runs.hostile);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be absent
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    expect(xml).not.toContain('<img');
    const suite = create(xml).root().first().node as never as { getAttribute(name: string): string };
    expect(suite.getAttribute('name')).toBe('</script><img src=x onerror=alert(1)>]]>red"\'&`|*_#@x');
  });
});

describe('summary.md', () => {
  test('says verdict, cause and fix', () => {
    const text = summary(runs.failing);
    expect(text).toMatch(/^## FAIL: pitstop-canary\n/);
    expect(text).toContain('**WEIGHT_DIFFERS**');
    expect(text).toContain(': found 25; expected 10');
    expect(text).toContain('| **FAIL** | canary |');
    expect(text).toContain('| **PASS** | mirror |');
  });

  test.each([
    ['| pipes |', '\\| pipes \\|'],
    ['[link](javascript:x)', '\\[link\\]\\(javascript:x\\)'],
    ['a\n# heading', 'a \\# heading'],
    ['<img src=x>', '&lt;img src=x&gt;'],
    ['`code`', '\\`code\\`'],
    ['@someone', '&#64;someone'],
    ['&amp;', '&amp;amp;'],
  ])('%j is shown as it is', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped);
  });

  test('hostile text stays text', () => {
    const text = summary(runs.hostile);
    expect(text).not.toContain('<img');
    expect(text).not.toContain(HOSTILE);
    expect(text).not.toContain('\u001b');
  });

  test('is cut below the size at which GitHub drops it', () => {
    const base = runs.failing;
    const canary = base.stages[3];
    if (!canary?.causes[0]) throw new Error('the failing run has a cause');
    const many = Array.from({ length: 40 }, () => ({
      ...canary,
      causes: Array.from(
        { length: 200 },
        () => ({ ...(canary.causes[0] as never as object), fix: 'x'.repeat(400) }) as never,
      ),
    }));
    const text = summary({ ...base, stages: many });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_SUMMARY_BYTES);
    expect(Buffer.byteLength(text)).toBeGreaterThan(MAX_SUMMARY_BYTES / 2);
    expect(text).toMatch(/Cut here: .*index\.html/);
    expect(text).toMatch(/^## FAIL/);
  });
});
