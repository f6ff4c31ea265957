import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startServer } from './server.js';
import { soak } from './soak.js';

/**
 * Does the load's process stay as it is for half an hour? Ends with 1 when the resident memory may grow faster than the goal, when
 * open files pile up, or when its books are not the server's.
 *
 *     npm run soak -- [--minutes 30] [--workers 1]
 */
const MOST_MB_AN_HOUR = 2;
/** New connections are being opened and closed at any moment. */
const MOST_FILES_APART = 60;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, workers: { type: 'string', default: '1' } },
});
const server = await startServer();
try {
  const seconds = Math.round(Number(values.minutes) * 60);
  const result = await soak(server, seconds, Number(values.workers));
  const { requests, failed, served, memory, growthMb, files } = result;
  const missed = [
    ...(memory.upper <= MOST_MB_AN_HOUR ? [] : ['memory']),
    ...(files[1] - files[0] <= MOST_FILES_APART ? [] : ['open files']),
    ...(failed === 0 && requests === served ? [] : ['books']),
  ];
  process.stdout.write(
    `${seconds} s, ${requests} requests (the server counts ${served}), ${failed} failed
resident memory ${memory.slope.toFixed(2)} MB/h, with 99 % confidence below ${memory.upper.toFixed(2)} MB/h (goal <= ${MOST_MB_AN_HOUR}); ${growthMb.toFixed(2)} MB from the first fifth to the last
open files ${files[0]} to ${files[1]}
${missed.length === 0 ? 'as promised' : `MISSED: ${missed.join(', ')}`}\n`,
  );
  mkdirSync('reports', { recursive: true });
  writeFileSync('reports/soak.json', `${JSON.stringify({ seconds, ...result, missed }, undefined, 2)}\n`);
  if (missed.length > 0) process.exitCode = 1;
} finally {
  await server.close();
}
