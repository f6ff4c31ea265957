import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { millis } from '../../../src/base/units.js';
import { verifyStage } from '../../../src/release/verify.js';
import { type PitstopLab, pitstopLab, stageOf, startedLoad, Told } from '../../support/release.js';

let pitstop: PitstopLab;
beforeAll(async () => {
  pitstop = await pitstopLab('mirror');
});
afterAll(() => pitstop.close());

/** Judges the dark stage, which is in place. */
async function verify(maxDurationMs: number, soakMs = 0): Promise<Told> {
  const told = new Told();
  const stages = pitstop.scenario.stages.map((stage) => (soakMs > 0 ? { ...stage, soak: millis(soakMs) } : stage));
  const scenario = { ...pitstop.scenario, stages, maxDuration: millis(maxDurationMs) };
  const version = pitstop.lab.store.resourceVersion;
  await verifyStage(
    scenario,
    stageOf(scenario, 'dark'),
    { ...pitstop.runOptions(['dark']), engine: 'none' },
    {
      clock: systemClock,
      client: pitstop.client,
      emit: told.emit,
      signal: new AbortController().signal,
    },
  );
  expect(pitstop.lab.store.resourceVersion).toBe(version);
  return told;
}

describe('verifying a stage that is in place', () => {
  it('has no data, and no verdict, when nobody sends anything', async () => {
    const told = await verify(1500);
    expect(told.of('window-closed')).toMatchObject([{ reason: 'max-duration' }]);
    expect(told.model).toMatchObject({ verdict: 'no-data', exitCode: 2 });
  });

  it('judges what others send by the word of the caller, and changes nothing', async () => {
    await startedLoad(pitstop);
    const told = await verify(15_000);
    expect(told.types).toEqual([
      'run-started',
      'stage-started',
      'objects',
      'window-opened',
      'window-closed',
      'objects',
      'stage-finished',
      'run-finished',
    ]);
    expect(told.model).toMatchObject({ verdict: 'pass', exitCode: 0 });
    const soaked = await verify(15_000, 2000);
    expect(soaked.types).toEqual(expect.arrayContaining(['window-closed', 'soak-started', 'soak-finished']));
    expect(soaked.model).toMatchObject({ verdict: 'pass', exitCode: 0 });
    expect(soaked.model.stages[0]?.assessment?.checks.some(({ name }) => name.startsWith('drift:'))).toBe(true);
    expect(
      told
        .of('look')
        .at(-1)
        ?.look.observations.map(({ vantagePoint }) => vantagePoint),
    ).toEqual(['source', 'destination', 'graph']);
  });
});
