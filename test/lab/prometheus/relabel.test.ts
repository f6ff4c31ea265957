import { expect, test } from 'vitest';
import type { MetricRelabelling } from '../../../src/lab/control/faults.js';
import { makeLabels } from '../../../src/lab/prometheus/labels.js';
import { relabelConfig, relabeller } from '../../../src/lab/prometheus/relabel.js';

const after = (labels: Record<string, string>, ...rules: MetricRelabelling[]) => {
  const left = relabeller(rules)(makeLabels(Object.entries(labels)));
  return left && Object.fromEntries(left);
};
const replace = (regex: string, replacement: string): Extract<MetricRelabelling, { action: 'replace' }> => ({
  action: 'replace',
  sourceLabels: ['a', 'b'],
  regex,
  targetLabel: 'c',
  replacement,
});

test.each<[string, MetricRelabelling[], Record<string, string> | undefined]>([
  ['without rules a sample stays as it is', [], { a: 'x', b: 'y' }],
  ['a regex must match the whole of the joined values', [replace('x', 'z')], { a: 'x', b: 'y' }],
  ['a match writes the target label', [replace('x;y', 'z')], { a: 'x', b: 'y', c: 'z' }],
  ['groups are filled in', [replace('(.);(.)', '$2$1')], { a: 'x', b: 'y', c: 'yx' }],
  [
    'later rules see what earlier ones wrote',
    [replace('x;y', 'z'), { ...replace('z', 'w'), sourceLabels: ['c'] }],
    { a: 'x', b: 'y', c: 'w' },
  ],
  ['an empty replacement removes the label', [{ ...replace('x;y', ''), targetLabel: 'a' }], { b: 'y' }],
  [
    'an absent label counts as empty',
    [{ ...replace(';y', 'z'), sourceLabels: ['missing', 'b'] }],
    { a: 'x', b: 'y', c: 'z' },
  ],
  ['a sample is dropped', [{ action: 'drop', sourceLabels: ['a'], regex: 'x|w' }], undefined],
  ['a sample that does not match is kept', [{ action: 'drop', sourceLabels: ['a'], regex: 'w' }], { a: 'x', b: 'y' }],
])('%s', (_, rules, expected) => {
  expect(after({ a: 'x', b: 'y' }, ...rules)).toEqual(expected);
});

test('a configuration for a real Prometheus says the same', () => {
  expect(relabelConfig([replace('x', 'y'), { action: 'drop', sourceLabels: ['a'], regex: 'x' }])).toEqual([
    { source_labels: ['a', 'b'], regex: 'x', action: 'replace', target_label: 'c', replacement: 'y' },
    { source_labels: ['a'], regex: 'x', action: 'drop' },
  ]);
});
