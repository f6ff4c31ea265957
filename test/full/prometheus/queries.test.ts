import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningPrometheus, startPrometheus } from '../../../src/lab/prometheus/server.js';
import { comparable, LAST_BITS } from '../../support/answers.js';
import { type Asked, askPrometheus, BothPrometheus } from '../../support/bothPrometheus.js';
import { compared } from '../../support/comparisons.js';
import { realPrometheus, startRealPrometheus } from '../../support/promserver.js';
import { KIALI_QUERIES, promqlGolden, QUERIES, REFUSED, REFUSED_SOMEHOW } from '../../support/queries.js';
import type { RealServer } from '../../support/realServer.js';
import { ASKED_MS, recordedSeries, storageOf } from '../../support/samples.js';

let ours: RunningPrometheus;
let real: RealServer;
let both: BothPrometheus;

const at = (timeMs: number) => String(timeMs / 1000);
const instant = (query: string, timeMs = ASKED_MS): Asked => ({
  path: 'query',
  parameters: { query, time: at(timeMs) },
});
const range = (query: string, from: number, to: number, step: string): Asked => ({
  path: 'query_range',
  parameters: { query, start: at(ASKED_MS + from), end: at(ASKED_MS + to), step },
});

describe.skipIf(!realPrometheus)('equal to a real Prometheus over the same samples', () => {
  beforeAll(async () => {
    const storage = storageOf(recordedSeries());
    ours = await startPrometheus({ targets: () => [], scrapeIntervalMs: 60_000, storage });
    real = await startRealPrometheus({ storage });
    both = new BothPrometheus(ours.url, real.url);
  });
  afterAll(async () => {
    await ours.close();
    await real.stop();
  });

  test.each([...KIALI_QUERIES, ...QUERIES])('%s', async (query) => {
    for (const later of [0, 1, 7_000, 290_000])
      expect(await both.difference(instant(query, ASKED_MS + later), LAST_BITS)).toBeUndefined();
  });

  test.each([...KIALI_QUERIES, ...QUERIES])('as a range: %s', async (query) => {
    expect(await both.difference(range(query, -300_000, 20_000, '17'), LAST_BITS)).toBeUndefined();
  });

  test.each(REFUSED)('refused with the same words: %s', async (query) => {
    expect(await askPrometheus(ours.url, instant(query))).toEqual(await askPrometheus(real.url, instant(query)));
    compared('prometheus');
  });

  test.each(REFUSED_SOMEHOW)('refused too: %s', async (query) => {
    expect(await both.difference(instant(query))).toBeUndefined();
    expect((await askPrometheus(ours.url, instant(query))).status).not.toBe(200);
  });

  test.runIf(process.env.WEIGHBRIDGE_UPDATE_GOLDEN === '1')(
    'the recorded answers of the real one are written anew',
    async () => {
      const lines: string[] = [];
      const record = async ({ path, parameters }: Asked) => {
        const { status, body } = await askPrometheus(real.url, { path, parameters });
        lines.push(JSON.stringify({ path, parameters, status, body: comparable(body, parameters.query ?? '') }));
      };
      for (const query of [...KIALI_QUERIES, ...QUERIES, ...REFUSED]) await record(instant(query));
      for (const query of QUERIES.filter((_, index) => index % 4 === 0))
        await record(range(query, -60_000, 20_000, '40'));
      await writeFile(promqlGolden, `${lines.join('\n')}\n`);
    },
  );
});
