import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Row } from '../bench/row.js';
import { compared } from '../support/comparisons.js';
import { peerPath } from '../support/peers.js';

const run = promisify(execFile);

/** Figures of a second on a busy machine say nothing; that every row runs and that the books equal the server's do. */
it('the bench measures every promise of the load, and its books are those of the server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const out = join(folder, 'bench.json');
    // It fails when the generator counts anything else than the server.
    const { stdout } = await run('npm', ['run', '-s', 'bench', '--', '--pairs', '1', '--seconds', '1', '--out', out]);
    const { rows, skipped } = JSON.parse(readFileSync(out, 'utf8')) as { rows: Row[]; skipped: string[] };
    expect(new Set(rows.map(({ work }) => work))).toEqual(
      new Set(['bare', 'scripted', 'users', 'schedule', 'start', 'histogram', 'soak', 'engines', 'judge', 'mesh']),
    );
    for (const { what, values, min, max } of rows) {
      expect(values.every(Number.isFinite), what).toBe(true);
      expect(stdout).toContain(what);
      expect(min, what).toBe(max);
    }
    for (const name of ['wrk', 'hey', 'autocannon', 'k6'] as const) {
      if (!peerPath(name)) expect(skipped.join()).toContain(`${name} is not installed`);
      else compared(name, rows.filter(({ what }) => what.includes(name)).length);
    }
    if (process.env.WEIGHBRIDGE_PEERS_REQUIRED) expect(skipped).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);
