import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseYaml } from '../../../src/scenario/yaml-text.js';
import { compared } from '../../support/comparisons.js';
import { findPeer } from '../../support/peers.js';

const kubectl = findPeer('kubectl');
const WORDS = 5000;

/** Plain scalars that look like numbers; no signs of YAML's own. */
const word = fc
  .array(fc.constantFrom(...'..--++__0001234567789eExXobBOT:zZyn'), { minLength: 1, maxLength: 7 })
  .map((letters) => letters.join(''))
  .filter((text) => !/^-|:$|^:/.test(text));

describe.runIf(kubectl)('beside the real kubectl', () => {
  it(`${WORDS} words and numbers are read alike`, () => {
    const words = fc.sample(word, { numRuns: WORDS, seed: 4 });
    const lines = words.map((text, index) => `  k${index}: ${text}\n`).join('');
    const yaml = `apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: demo}\nspec:\n${lines}`;
    const dir = mkdtempSync(join(tmpdir(), 'weighbridge-scalars-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const file = join(dir, 'w.yaml');
    writeFileSync(file, yaml);
    const patch = ['patch', '--local', '-f', file, '--type', 'merge', '-p', '{"read":true}', '-o', 'json'];
    const theirs = JSON.parse(execFileSync(kubectl ?? '', patch, { encoding: 'utf8', maxBuffer: 1 << 24 }));
    const [ours] = parseYaml(yaml, 'w.yaml', 'kubectl') as Extract<ReturnType<typeof parseYaml>, unknown[]>;
    expect(ours?.problems).toEqual([]);
    // As JSON has them, which knows no -0.
    const { spec } = JSON.parse(JSON.stringify(ours?.value));
    const told = (values: Record<string, unknown>) => words.map((text, index) => [text, values[`k${index}`]]);
    expect(told(spec)).toEqual(told(theirs.spec));
    compared('kubectl');
  });
});
