import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { millis } from '../../src/base/units.js';
import type { RunEvent, RunEventBody } from '../../src/release/events.js';
import { html } from '../../src/report/html/page.js';
import { junit } from '../../src/report/junit.js';
import { foldRun } from '../../src/report/model.js';
import { reportOf } from '../../src/report/reportJson.js';
import { summary } from '../../src/report/summary.js';
import { renderLine } from '../../src/report/terminal/line.js';
import { stageResult } from '../../src/report/terminal/results.js';
import type { EventOf } from '../../src/report/types.js';
import { makeJournal, pitstop } from '../support/journals.js';

/** A canary that passes and is looked at on for 20 s; from second 10 on a share `after` of the calls goes to v2. */
function soakJournal(after: number, cutAfterSeconds = Number.POSITIVE_INFINITY): RunEvent[] {
  const stages = pitstop.stages.slice(3, 4).map((stage) => ({ ...stage, soak: millis(20_000) }));
  const events = makeJournal({ scenario: { ...pitstop, stages }, looks: 60 });
  const settled = events.findLastIndex(({ type }) => type === 'look');
  const last = events[settled] as EventOf<'look'>;
  const bodies: RunEventBody[] = [{ type: 'soak-started', stage: 'canary', ms: 20_000 }];
  let [v1, v2] = [0, 0];
  for (let second = 1; second <= Math.min(20, cutAfterSeconds); second++) {
    const share = second <= 10 ? 0.1 : after;
    v2 += Math.round(1000 * share);
    v1 += 1000 - Math.round(1000 * share);
    const observations = last.look.observations.map((one) => {
      if (one.status !== 'ok') return one;
      const { v1: first = { total: 0, failed: 0 }, v2: other = { total: 0, failed: 0 } } = one.counts.versions;
      const versions = {
        v1: { ...first, total: first.total + v1 },
        v2: { ...other, total: other.total + v2 },
      };
      return { ...one, counts: { ...one.counts, versions } };
    });
    const look = { at: last.look.at + second * 1000, observations, settled: false };
    bodies.push({
      type: 'soak-look',
      stage: 'canary',
      look,
      latency: last.latency,
      rps: 2000,
      generator: last.generator,
    });
  }
  bodies.push({ type: 'soak-finished', stage: 'canary', reason: after === 0.1 ? 'over' : 'drift' });
  const soaked = bodies.map((body) => ({ at: last.at, ...body }));
  const all = [...events.slice(0, settled + 1), ...soaked, ...events.slice(settled + 1)];
  return all.map((event, seq) => ({ ...event, seq }) as RunEvent);
}

test('a soak without drift leaves the stage passed, with a check for every share and for the errors', () => {
  const run = foldRun(soakJournal(0.1));
  expect(run).toMatchObject({ verdict: 'pass', exitCode: 0 });
  const drift = run.stages[0]?.assessment?.checks.filter(({ name }) => name.startsWith('drift:')) ?? [];
  expect(drift.map(({ name, vantagePoint, verdict }) => [name, vantagePoint, verdict])).toEqual([
    ['drift:v2', 'client', 'pass'],
    ['drift:v2', 'source', 'pass'],
    ['drift:errors', 'source', 'pass'],
  ]);
});

test('a drift fails the stage in every report, with the moment when it began', () => {
  const run = foldRun(soakJournal(0.3));
  expect(run).toMatchObject({ verdict: 'fail', exitCode: 1 });
  const said = /share of v2 at the (client|source proxy) changed about 10 s after the pass/;
  expect(run.headline).toMatch(said);
  expect(html(run)).toMatch(said);
  expect(junit(run)).toMatch(said);
  expect(summary(run)).toMatch(said);
  expect(
    stageResult(run.stages[0]!)
      .map((line) => renderLine(line, false))
      .join('\n'),
  ).toMatch(/^FAIL {2}canary/);
  const report = reportOf(run);
  const validate = new Ajv({ strict: false }).compile(JSON.parse(readFileSync('schema/report.schema.json', 'utf8')));
  expect(validate(JSON.parse(JSON.stringify(report))), JSON.stringify(validate.errors)).toBe(true);
  const drifted = report.stages[0]?.checks.find(({ name, verdict }) => name === 'drift:v2' && verdict === 'fail');
  expect(drifted?.changedAt).toBeGreaterThan(0);
  expect(drifted?.statistics).toMatch(/e-detector/);
});

test('a soak that is not over is no pass', () => {
  expect(foldRun(soakJournal(0.1, 5)).stages[0]?.verdict).toBe('inconclusive');
});
