import { expect, it, test } from 'vitest';
import { markdownTable, row, textTable } from '../bench/row.js';

test.each([
  ['the middle of an odd number', [3, 1, 2], { atLeast: 2 }, { min: 1, median: 2, max: 3, met: true }],
  ['the mean of the two in the middle of an even number', [4, 1, 3, 2], { atLeast: 2.6 }, { median: 2.5, met: false }],
  ['a ceiling that is exceeded', [0.7, 0.6, 0.9], { atMost: 0.65 }, { median: 0.7, met: false }],
  ['a ceiling that is kept by the median, not by all', [0.6, 0.5, 0.9], { atMost: 0.65 }, { max: 0.9, met: true }],
  ['no goal cannot be missed', [1], undefined, { median: 1, met: true }],
] as const)('%s', (_case, values, goal, expected) => {
  expect(row('bare', 'w', values, 'x', goal)).toMatchObject(expected);
});

it('shows each figure beside its goal, and which are missed', () => {
  const rows = [
    row('bare', 'bare loop: times wrk', [0.9, 0.8, 0.85], 'x', { atLeast: 0.9, aim: 1 }),
    row('schedule', 'requests per CPU second', [12_345.6], 'requests/CPU-s'),
  ];
  expect(markdownTable(rows)).toBe(`| work | min | median | max | goal for the median |
| --- | --: | --: | --: | --- |
| bare loop: times wrk | 0.80 | 0.85 | 0.90 | >= 0.9 x (aim 1), missed |
| requests per CPU second | 12,346 | 12,346 | 12,346 | (requests/CPU-s) |
`);
  expect(textTable(rows)).toMatch(/^bare loop: times wrk +0\.80 +0\.85 +0\.90 {2}>= 0\.9 x \(aim 1\) {2}MISSED$/m);
});
