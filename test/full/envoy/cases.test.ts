import { afterEach, describe, expect, test } from 'vitest';
import type { StartPodProxy } from '../../../src/lab/control/podProxy.js';
import { compared } from '../../support/comparisons.js';
import { eventually } from '../../support/poll.js';
import { type ProxyCase, proxyCases } from '../../support/proxyCases.js';
import { envoySidecars, ownSidecars, realEnvoy } from '../../support/realEnvoy.js';
import { type Ledgers, ScrapedMesh } from '../../support/scrapedMesh.js';

const envoy = await realEnvoy();

/** Plays a case. @returns the ledgers, once they hold what is expected, or after the last try. */
async function play(startProxy: StartPodProxy, one: ProxyCase): Promise<{ status: number; ledgers: Ledgers }> {
  const mesh = await ScrapedMesh.start(startProxy, one.pods, one.rules ?? []);
  try {
    const { status } = await mesh.send(one.request);
    let ledgers = await mesh.ledgers();
    // Copies and cut connections are counted when they end, which may be after the answer.
    await eventually(async () => {
      ledgers = await mesh.ledgers();
      expect(ledgers).toEqual({ source: one.source, destination: one.destination });
    }, 2000).catch(() => undefined);
    return { status, ledgers };
  } finally {
    await mesh.close();
  }
}

describe.skipIf(!envoy)('real Envoy sidecars count as the lab does', () => {
  const sidecars = envoy && envoySidecars(envoy);

  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test.each(proxyCases().map(({ name }, index) => ({ name, index })))('$name', async ({ index }) => {
    if (!sidecars) return;
    const [real, own] = [proxyCases()[index], proxyCases()[index]];
    if (!real || !own) throw new Error('no such case');
    const [envoys, labs] = await Promise.all([play(sidecars.start, real), play(ownSidecars, own)]);
    const expected = { status: real.status, ledgers: { source: real.source, destination: real.destination } };
    expect(envoys).toEqual(expected);
    expect(labs).toEqual(expected);
    compared('envoy', 3);
  });
});
