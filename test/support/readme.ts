import { readFileSync, writeFileSync } from 'node:fs';

const README = 'README.md';

/**
 * Puts text between the lines `<!-- NAME: ... -->` and `<!-- NAME end -->` of the README.
 * @throws Error when it has no such lines.
 */
export function writeIntoReadme(name: string, text: string): void {
  const readme = readFileSync(README, 'utf8');
  const start = new RegExp(`<!-- ${name}: .*-->\n`).exec(readme);
  const end = readme.indexOf(`<!-- ${name} end -->`);
  const from = start ? start.index + start[0].length : -1;
  if (from < 0 || end < from)
    throw new Error(`${README} needs the lines <!-- ${name}: ... --> and <!-- ${name} end -->`);
  writeFileSync(README, `${readme.slice(0, from)}\n${text}\n${readme.slice(end)}`);
}
