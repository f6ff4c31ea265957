import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchServer, startServer } from '../bench/server.js';
import { soak } from '../bench/soak.js';
import { serveHttp } from '../support/load.js';
import { findPeer } from '../support/peers.js';

const MAIN = resolve('dist/cli/main.js');
const hasNginx = findPeer('nginx') !== undefined;

interface Document {
  readonly requests: number;
  readonly failed: number;
  readonly status: Record<string, number>;
  readonly errors: Record<string, number>;
  readonly bytesReceived: number;
  readonly connections: { readonly opened: number };
  readonly responseTime: { readonly count: number };
  readonly serviceTime: { readonly count: number };
  readonly generator: { readonly valid: boolean; readonly threads?: number; readonly reason?: string };
}

/** Runs the built command line under a shell's limits. */
async function load(args: readonly string[], limits = ':') {
  const cwd = mkdtempSync(join(tmpdir(), 'load-'));
  try {
    const child = spawn('/bin/sh', ['-c', `${limits}; exec "$0" "$@"`, process.execPath, MAIN, 'load', ...args], {
      cwd,
    });
    const out = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        out[name] += chunk;
      });
    }
    const [code] = (await once(child, 'close')) as [number];
    return { code, ...out, document: JSON.parse(out.stdout || '{}') as Document };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

describe.runIf(hasNginx)('beside nginx', () => {
  let server: BenchServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.close());

  it.each([1, 2])('the books of %d threads are those of the server, to the request', async (threads) => {
    const before = await server.counts();
    const workers = threads === 1 ? [] : ['--workers', String(threads)];
    const plain = ['--users', '32', '--think-time', '0', '--duration', '8s', '--json', ...workers];
    const { document, stderr } = await load([server.url, ...plain]);
    const after = await server.counts();
    const { requests } = document;
    expect(requests, stderr).toBeGreaterThan(1000);
    expect(after.requests - before.requests).toBe(requests);
    // One more is opened before the load, to see whether anybody listens.
    expect(after.connections - before.connections).toBe(document.connections.opened + 1);
    expect(document).toMatchObject({
      failed: 0,
      errors: {},
      status: { 200: requests },
      bytesReceived: 2048 * requests,
      responseTime: { count: requests },
      serviceTime: { count: requests },
    });
    expect(document.generator.threads).toBe(threads === 1 ? undefined : threads);
  });

  it('memory and open files stay as they are for three minutes, and the books are the server’s', async () => {
    const { requests, served, failed, growthMb, files } = await soak(server, 180);
    expect(served).toBe(requests);
    expect(failed).toBe(0);
    // Connections that are being opened and closed at the moment of reading.
    expect(files[1] - files[0]).toBeLessThanOrEqual(60);
    expect(growthMb).toBeLessThanOrEqual(3);
  }, 300_000);
});

it('more users than the process may open files: said before, counted, invalid, exit 2', async () => {
  const server = await serveHttp((_request, response) => {
    setTimeout(() => response.end('x'), 200);
  });
  try {
    const users = ['--users', '150', '--think-time', '0', '--duration', '1s', '--connections', 'shared', '--json'];
    const { code, document, stderr } = await load([server.url, ...users], 'ulimit -n 100');
    expect(stderr).toMatch(/^warning: 150 users need as many sockets, .* 100 files; raise the limit \(ulimit -n \d+\)/);
    expect(document.errors['out-of-sockets']).toBeGreaterThan(0);
    expect(document.generator).toMatchObject({
      valid: false,
      reason: expect.stringMatching(/file descriptor.*ulimit -n/),
    });
    expect(code).toBe(2);
  } finally {
    await server.close();
  }
});
