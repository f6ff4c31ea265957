import { describe, expect, it } from 'vitest';
import { reportOf, SCENARIO, sound, weighbridge, workspace } from '../support/cli.js';

describe('the release of Pitstop on the lab, as it is promised', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('passes every stage with seed %i', async (seed) => {
    const space = workspace();
    const run = await sound(space, () => weighbridge(['run', SCENARIO, '--seed', String(seed)], space.dir));
    expect(run.code, run.stderr).toBe(0);
    expect(reportOf(space).stages.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
      ['v1-only', 'dark', 'mirror', 'canary', 'even'].map((name) => `${name} pass`),
    );
  });
});
