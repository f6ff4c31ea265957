import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { type Folders, problemsOf, said } from './scenario.js';

/** One change to a text: bytes cut out, put in, or lines moved. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  cut: fc.integer({ min: 0, max: 12 }),
  put: fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc
      .constantFrom(
        '{',
        '[',
        '- ',
        '? ',
        ': ',
        '&a ',
        '*a',
        '!!x ',
        '"',
        '|\n',
        '\n---\n',
        '\t',
        '~',
        '0x',
        '__proto__: ',
        '<<: ',
        '110%',
        '.nan',
        '\u2028',
      )
      .map((text) => Buffer.from(text)),
  ),
});

/** Files of the Pitstop scenario that a person edits. */
export const EDITED = [
  'scenarios/pitstop/scenario.yaml',
  'scenarios/pitstop/customermanagementapi-canary.yaml',
  'uris/loadtest-uris.txt',
];

/**
 * Changes bytes of one file of the Pitstop scenario, `runs` times: it loads, or every problem has a file and a line.
 * @returns how often it was refused.
 */
export async function mutate(folders: Folders, file: string, runs: number, seed: number): Promise<number> {
  const folder = folders.pitstop();
  const original = readFileSync(file);
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
      let bytes = original;
      for (const { at, cut, put } of mutations) {
        const start = Math.floor(at * bytes.length);
        bytes = Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + cut)]);
      }
      writeFileSync(path.join(folder, file), bytes);
      const problems = await problemsOf(folder, 'scenarios/pitstop/scenario.yaml');
      if (problems.length > 0) refused++;
      for (const problem of problems) {
        expect(problem.file, said(problem)).toBeTruthy();
        expect(problem.line, said(problem)).toBeGreaterThan(0);
        expect(problem.message).not.toMatch(/\n/);
      }
    }),
    { seed, numRuns: runs },
  );
  return refused;
}
