import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { contradictEachOther, contradictsShare, countOf, ledgerDifferences } from '../../support/comparison.js';
import { subsets, type TestPod, to, virtualService } from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';
import { envoySidecars, realEnvoy } from '../../support/realEnvoy.js';
import { type Ledgers, ScrapedMesh } from '../../support/scrapedMesh.js';

const envoy = await realEnvoy();
const sidecars = envoy && envoySidecars(envoy);

const ok: RequestListener = (_request, response) => void response.end('ok');
const pod = (version: string): TestPod => ({ name: `shop-${version}-1`, version, sidecar: true, app: ok });

/** Sends requests through real Envoys. @param answered by the application, copies included. @returns what they counted. */
async function counted(rule: object, requests: number, answered = requests): Promise<Ledgers> {
  if (!sidecars) throw new Error('no Envoy');
  const mesh = await ScrapedMesh.start(sidecars.start, [pod('v1'), pod('v2')], [subsets(), virtualService(rule)]);
  try {
    let left = requests;
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        while (left-- > 0) await mesh.send();
      }),
    );
    await eventually(async () =>
      expect(countOf((await mesh.ledgers()).destination, () => true)).toBeGreaterThanOrEqual(answered),
    );
    return await mesh.ledgers();
  } finally {
    await mesh.close();
  }
}

// The comparisons of this folder hold the lab against what these find, so they must find what is wrong on purpose.
describe.skipIf(!envoy)('a lab that counts wrongly is found out', () => {
  test('a counter that counts mirror copies at the source', async () => {
    const truth = await counted({ route: [to('v1')], mirror: { host: 'shop', subset: 'v2' } }, 20, 40);
    expect(ledgerDifferences(truth.source, truth.source)).toEqual([]);
    const falsified = [...truth.source, '20x 200 - shop-v2 v2 shop'];
    expect(ledgerDifferences(truth.source, falsified)).toEqual(['+ 20x 200 - shop-v2 v2 shop']);
  });

  test('a copy too few at the destination, a flag, a version, a service that differs', async () => {
    const truth = await counted({ route: [to('v1')], mirror: { host: 'shop', subset: 'v2' } }, 20, 40);
    for (const [from, into] of [
      ['20x 200 - shop-v2<web', '19x 200 - shop-v2<web'],
      ['200 - shop-v1', '200 DI shop-v1'],
      ['v2 shop', 'unknown shop'],
      [' shop', ' shop:8000'],
    ] as const) {
      const falsified = truth.destination.map((row) => row.replace(from, into));
      expect(ledgerDifferences(truth.destination, falsified)).not.toEqual([]);
    }
  });

  test('a weight that is off by one percent', async () => {
    // 5 % against 6 %: one point is 9 sigma of 40,000 draws, and the draws themselves miss by 4 sigma once in 30,000 runs.
    const n = 40_000;
    const { source } = await counted({ route: [to('v1', 95), to('v2', 5)] }, n);
    const k = countOf(source, (row) => row.includes('shop-v2'));
    expect(contradictsShare({ k, n }, 0.05)).toBeUndefined();
    const falsified = { k: k + n / 100, n };
    expect(contradictsShare(falsified, 0.05)).toMatch(/sigma from 0.05$/);
    expect(contradictEachOther({ k, n }, falsified)).toMatch(/ sigma$/);
  });
});
