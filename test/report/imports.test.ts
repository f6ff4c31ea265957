import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/** What report/ may import: base, judge, itself, and the types of the parts whose values it shows. */
const ALLOWED = /^src\/(base|judge|report)\/|^src\/(scenario|load|observe|mesh)\/types\.js$|^src\/release\/events\.js$/;

const sources = fs
  .readdirSync('src/report', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => path.join('src/report', name));

test.each(sources)('%s imports only what report may know', (file) => {
  const text = fs.readFileSync(file, 'utf8');
  const targets = [...text.matchAll(/\bfrom '(\.[^']+)'/g)].map(([, target]) =>
    path.join(path.dirname(file), target ?? ''),
  );
  expect(targets.filter((target) => !ALLOWED.test(target))).toEqual([]);
});

test('no report depends on the clock, the locale or chance', () => {
  const pure = sources.filter((file) => !/terminal\/liveView|journal\.ts|reportsDir\.ts/.test(file));
  const impure = pure.filter((file) =>
    /Date\.now|new Date\(\)|toLocale|Intl\.|Math\.random|performance\.now/.test(fs.readFileSync(file, 'utf8')),
  );
  expect(impure).toEqual([]);
});
