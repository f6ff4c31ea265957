import { afterAll, describe, expect, test } from 'vitest';
import { EDITED, mutate } from '../support/mutations.js';
import { Folders } from '../support/scenario.js';

const folders = new Folders();
afterAll(() => folders.remove());

describe('whatever happens to the bytes of', () => {
  test.each(EDITED)('%s, it loads or every problem has a file and a line', async (file) => {
    expect(await mutate(folders, file, 60, 11)).toBeGreaterThan(6);
  });
});
