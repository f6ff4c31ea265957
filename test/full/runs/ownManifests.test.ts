import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bookinfo } from '../../support/bookinfo.js';
import { type Workspace, weighbridge, workspace } from '../../support/cli.js';
import { expectTenFails, expectTwentyPasses } from '../../support/ownRun.js';

const to = (subset: string, weight: number) => `{destination: {host: reviews, subset: ${subset}}, weight: ${weight}}`;

/** The folder that a user brings, and the scenario that `init` writes for it. */
async function scaffolded(): Promise<Workspace> {
  const space = workspace();
  for (const [name, text] of Object.entries(bookinfo(`[{route: [${to('v1', 80)}, ${to('v2', 20)}]}]`)))
    writeFileSync(join(space.dir, name), text);
  expect(await weighbridge(['init', '-f', '.'], space.dir)).toMatchObject({ code: 0, stderr: '' });
  return space;
}

it('80/20 declared of 80/20 objects passes', async () => expectTwentyPasses(await scaffolded()));

it('90/10 declared of 80/20 objects fails with the field', async () => expectTenFails(await scaffolded()));
