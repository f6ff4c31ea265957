import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { startLoad } from '../../src/load/start.js';
import { LOAD_ENGINES, type LoadSpec } from '../../src/load/types.js';
import { CERTIFICATE, CERTIFICATE_KEY } from '../support/certificate.js';
import { say } from '../support/io.js';
import { loadSpec, serveHttp, uri } from '../support/load.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server whose certificate is for localhost. `names`: what it was asked for in each handshake. */
async function secure() {
  const names: unknown[] = [];
  const server = createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, (_request, response) => response.end('ok'));
  server.on('secureConnection', (socket: TLSSocket) => names.push(socket.servername));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { names, port, url: `https://localhost:${port}`, byAddress: `https://127.0.0.1:${port}` };
}

const load = (url: string, extra: Partial<LoadSpec> = {}) =>
  startLoad(loadSpec(url, { maxRequests: 6, ...extra }), { clock: systemClock }).finished;

describe.each(LOAD_ENGINES)('engine %s', (engine) => {
  const named = [uri('/', { headers: { Host: 'localhost' } })];
  const tested: (readonly [string, 'url' | 'byAddress', Partial<LoadSpec>, object])[] = [
    ['refuses a certificate that nobody vouches for', 'url', {}, { failed: 6, errors: { tls: 6 } }],
    ['trusts the authority it is told of', 'url', { tls: { ca: CERTIFICATE } }, { failed: 0, status: { 200: 6 } }],
    // undici dials such a server again and again, until the time is over.
    ...(engine === 'undici'
      ? []
      : [
          [
            'refuses another name',
            'byAddress',
            { tls: { ca: CERTIFICATE } },
            { failed: 6, errors: { tls: 6 } },
          ] as const,
        ]),
    ['checks nothing when told so', 'byAddress', { tls: { insecure: true } }, { failed: 0, status: { 200: 6 } }],
  ];
  test.each(tested)('%s', async (_case, way, extra, expected) => {
    const server = await secure();
    expect((await load(server[way], { engine, ...extra })).counts).toMatchObject({ sent: 6, ...expected });
  });

  it('asks for and checks the name of its Host header, wherever it connects', async () => {
    const server = await secure();
    const { counts } = await load(server.byAddress, { engine, tls: { ca: CERTIFICATE }, uris: named });
    expect(counts).toMatchObject({ failed: 0, status: { 200: 6 } });
    expect(new Set(server.names)).toEqual(new Set(['localhost']));
  });
});

it('reads answers that come in many records, on fresh and on kept connections', async () => {
  const server = createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, (_request, response) => {
    for (let part = 0; part < 20; part++) response.write('x'.repeat(10_000));
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const { counts } = await load(url, { tls: { ca: CERTIFICATE }, maxRequests: 30, freshShare: 0.3 });
  expect(counts).toMatchObject({ failed: 0, bytesReceived: 30 * 200_000 });
});

it('a handshake that does not end is a connect timeout', async () => {
  const silent = createTcpServer((socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => silent.close(resolve)));
  const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const { counts } = await load(url, { maxRequests: 1, timeoutMs: 4000, connectTimeoutMs: 100 });
  expect(counts).toMatchObject({ failed: 1, errors: { 'connect-timeout': 1 } });
});

describe('the load command', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'load-tls-'));
    writeFileSync(join(folder, 'ca.pem'), CERTIFICATE);
    writeFileSync(join(folder, 'key.pem'), CERTIFICATE_KEY);
    writeFileSync(join(folder, 'broken.pem'), CERTIFICATE.replace('MIIB', 'MIIC'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const run = (...args: string[]) => say(['load', ...args, '--requests', '4', '--json'], { cwd: folder });

  it('trusts by --ca, or whatever comes by --insecure', async () => {
    const server = await secure();
    for (const args of [
      [`${server.url}/`, '--ca', 'ca.pem'],
      [`${server.byAddress}/`, '--insecure'],
    ]) {
      const { code, stdout } = await run(...args);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ requests: 4, failed: 0, bytesReceived: 8 });
    }
  });

  it('says before the load why a certificate is not trusted, and what to do', async () => {
    const server = await secure();
    const unknown = await run(`${server.url}/`);
    expect(unknown).toMatchObject({ code: 4, stdout: '' });
    expect(unknown.stderr).toMatch(
      /for localhost that is trusted: self-signed certificate.*DEPTH_ZERO_SELF_SIGNED_CERT/,
    );
    expect(unknown.stderr).toMatch(/--ca FILE.*--insecure/);
    const other = await run(`${server.byAddress}/`, '--ca', 'ca.pem');
    expect(other.code).toBe(4);
    expect(other.stderr).toContain("IP: 127.0.0.1 is not in the cert's list");
  });

  it('says before the load that a port speaks no TLS', async () => {
    const plain = await serveHttp((_request, response) => response.end());
    closers.push(() => plain.close());
    const { code, stderr } = await run(`${plain.url.replace('http', 'https')}/`);
    expect(code).toBe(4);
    expect(stderr).toMatch(/does not answer in TLS/);
  });

  test.each([
    ['--ca key.pem', ['--ca', 'key.pem'], /key\.pem: holds no certificate/m],
    ['--ca broken.pem', ['--ca', 'broken.pem'], /broken\.pem: holds a certificate that cannot be read/m],
    ['--ca missing.pem', ['--ca', 'missing.pem'], /missing\.pem: no such file/m],
    ['--ca with --insecure', ['--ca', 'ca.pem', '--insecure'], /--insecure: checks nothing/],
  ])('refuses %s', async (_case, args, message) => {
    const { code, stderr } = await run('https://localhost:1/', ...args);
    expect(code).toBe(3);
    expect(stderr).toMatch(message);
  });
});
