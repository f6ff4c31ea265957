import { describe, expect, it } from 'vitest';
import { startLab } from '../../src/lab/lab.js';
import { healthyTrials } from '../confusion/catalogue/healthy.js';
import { CATALOGUE, catalogueOf } from '../confusion/catalogue/index.js';
import { runTrial } from '../confusion/run.js';
import { HOME, heldOut } from '../confusion/world.js';

/** Of the objects, of the route, of the version, of a switch of the lab, of the counts alone. */
const HANDFUL = [5, 33, 36, 10, 16];

describe('a cause that is produced in the lab is named first', () => {
  it.each(CATALOGUE.filter(({ number }) => HANDFUL.includes(number)))('$number $code', async ({ code, trials }) => {
    const outcome = await runTrial(trials[0], 1, startLab);
    expect(outcome.causes[0]?.code, outcome.counts.join('\n')).toBe(code);
  });

  it('every cause of the catalogue can be produced', () => {
    expect(CATALOGUE.map(({ number }) => number)).toEqual(Array.from({ length: 37 }, (_, index) => index + 1));
  });
});

it('a cause is named as well under other names, weights and load', async () => {
  const world = heldOut(7, 33);
  const entry = catalogueOf(world).find(({ number }) => number === 33);
  const outcome = entry && (await runTrial(entry.trials[0], 7, startLab, world));
  expect(outcome?.causes[0]?.code, outcome?.counts.join('\n')).toBe('WEIGHT_DIFFERS');
});

it('a run as promised has no cause', async () => {
  const [trial] = healthyTrials(HOME);
  const outcome = trial && (await runTrial(trial, 1, startLab));
  expect(outcome).toMatchObject({ verdict: 'pass', causes: [], recorded: [] });
});
