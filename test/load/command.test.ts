import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { ConfigError, EnvironmentError } from '../../src/base/errors.js';
import { loadCommand } from '../../src/cli/commands/load.js';
import type { Io } from '../../src/cli/io.js';
import { freePort, type Served, serveHttp, until } from '../support/load.js';

let folder: string;
const open: Served[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'load-command-'));
});
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
  rmSync(folder, { recursive: true, force: true });
});
const serve = async (...listener: Parameters<typeof serveHttp>) => {
  const served = await serveHttp(...listener);
  open.push(served);
  return served.url;
};

function makeIo(options: { isTTY?: boolean; signal?: AbortSignal } = {}) {
  const written = { stdout: '', stderr: '', exitCode: 0 };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTTY: options.isTTY ?? false,
    columns: 60,
    color: false,
  });
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: {},
    cwd: folder,
    stdin: Readable.from([]),
    signal: options.signal ?? new AbortController().signal,
    setExitCode: (code) => {
      written.exitCode = code;
    },
  };
  return { io, written };
}
const run = async (args: string[], options: Parameters<typeof makeIo>[0] = {}) => {
  const { io, written } = makeIo(options);
  await loadCommand(io)
    .exitOverride()
    .configureOutput({ writeErr: io.stderr.write })
    .parseAsync(args, { from: 'user' });
  return written;
};

describe('a load', () => {
  it('prints one JSON document of the agreed fields, and nothing else, on stdout', async () => {
    const url = await serve((request, response) =>
      response.writeHead(request.url === '/bad' ? 500 : 200).end('0123456789'),
    );
    writeFileSync(join(folder, 'uris.txt'), '# pages\n/good\nPOST /bad x-a: 1\n');
    const result = await run([
      '--uris',
      'uris.txt',
      '--base-url',
      url,
      '--users',
      '4',
      '--think-time',
      '0',
      '--requests',
      '40',
      '--seed',
      '5',
      '--json',
    ]);
    expect(result.exitCode).toBe(0);
    const document = JSON.parse(result.stdout);
    expect(document).toMatchObject({
      requests: 40,
      dropped: 0,
      bytesReceived: 400,
      errors: {},
      generator: { valid: true },
      seed: 5,
      engine: 'node',
    });
    expect(document.status['200'] + document.status['500']).toBe(40);
    expect(document.failed).toBe(document.status['500']);
    expect(Object.keys(document.responseTime)).toEqual(expect.arrayContaining(['p50', 'p90', 'p99', 'p999', 'max']));
    expect(document.serviceTime.count).toBe(40);
    expect(document.generator).toMatchObject({
      lateShare: expect.any(Number),
      cpuSeconds: expect.any(Number),
      peakRssBytes: expect.any(Number),
    });
    expect(result.stderr).toMatch(/^2 URIs: 4 users, think time 0 ms, at most 40 requests, seed 5\n/);
  });

  it('runs several models at once, with ramps, and stops at the end of the stages', async () => {
    const url = await serve((_request, response) => response.end('x'));
    const { stdout, stderr } = await run([
      ...[url, '--users', '0s:3,300ms:3', '--think-time', 'exponential:20ms'],
      ...['--rate', '200ms:100,100ms:100', '--order', 'shuffled', '--seed', '1', '--json'],
    ]);
    expect(stderr).toContain(
      '0 to 3 in 0 ms to 3 in 300 ms users, think time exponential, mean 20 ms + 0 to 100 in 200 ms to 100 in 100 ms constant arrivals/s, for 0.3 s',
    );
    const document = JSON.parse(stdout);
    // 10 arrivals on the ramp, 10 after it; the users' own requests come on top.
    expect(document.requests).toBeGreaterThan(23);
    expect(document.dropped).toBe(0);
  });

  it('replays recorded requests at their times, and ends with the last answer', async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end('x');
    });
    const lines = [
      '# time URI',
      '',
      '1700000000.4 /c',
      '1700000000 /a',
      '1700000000.2 POST /b X-A: 1',
      '1700000000.4 /a',
    ];
    writeFileSync(join(folder, 'access.txt'), `\ufeff${lines.join('\r\n')}`);
    const result = await run(['--replay', 'access.txt', '--base-url', url, '--speed', '4x', '--json']);
    expect(seen).toEqual(['GET /a', 'POST /b', 'GET /c', 'GET /a']);
    expect(JSON.parse(result.stdout)).toMatchObject({ requests: 4, failed: 0, dropped: 0 });
    expect(JSON.parse(result.stdout).seconds).toBeGreaterThanOrEqual(0.1);
    expect(result.stderr).toMatch(/^3 URIs: 4 arrivals of access.txt in 0.1 s, 4 times as fast as recorded, seed /);
  });

  it('replays recorded times with the URIs of a list', async () => {
    const url = await serve((_request, response) => response.end('x'));
    writeFileSync(join(folder, 'times.txt'), '2026-03-01T10:00:00Z\n2026-03-01T10:00:00.050Z\n');
    writeFileSync(join(folder, 'uris.txt'), '/a\n/b\n');
    const { stdout } = await run(['--replay', 'times.txt', '--uris', 'uris.txt', '--base-url', url, '--json']);
    expect(JSON.parse(stdout).requests).toBe(2);
  });

  it('prints a table for people', async () => {
    const url = await serve((_request, response) => response.end('x'));
    const { stdout, exitCode } = await run([`${url}/page`, '--requests', '5', '--think-time', '0']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^5 requests in \d+\.\d s/);
    expect(stdout).toMatch(/response time +\d+\.\d ms/);
    expect(stdout).toMatch(/status +200: 5/);
  });

  it('counts the versions that the pages tell, with values for the variables of its list', async () => {
    const given = { v1: 0, v2: 0, failed: 0 };
    const url = await serve((request, response) => {
      if (request.url !== '/details/a%20b') return response.end('LoyaltyLevel in another page');
      const version = (['v1', 'v2', 'failed'] as const)[(given.v1 + given.v2 + given.failed) % 3] ?? 'v1';
      given[version]++;
      return response.end({ v1: '<p>plain', v2: '<p>LoyaltyLevel=3', failed: '<p>offline' }[version]);
    });
    writeFileSync(join(folder, 'uris.txt'), '/details/{id}\n/list\n');
    const list = ['--uris', 'uris.txt', '--base-url', url, '--set', 'id=a b', '--users', '3', '--think-time', '0'];
    const marker = ['--marker', 'v1=', '--marker', 'v2=LoyaltyLevel=', '--marker-failed', 'offline'];
    const args = [...list, ...marker, '--marker-uri', '/details/*', '--requests', '60'];
    const first = await run([...args, '--json']);
    expect(JSON.parse(first.stdout)).toMatchObject({
      requests: 60,
      failed: given.failed,
      errors: { 'offline-page': given.failed },
      versions: { v1: given.v1, v2: given.v2 },
      unmarked: 60 - given.v1 - given.v2 - given.failed,
    });
    expect(Math.min(given.v1, given.v2, given.failed)).toBeGreaterThan(0);
    const { stdout } = await run(args);
    expect(stdout).toMatch(/^versions {3}untold: \d+, v\d: \d+, v\d: \d+$/m);
  });

  it.each([
    ['one thread', []],
    ['two threads', ['--workers', '2']],
  ])('updates one line on a terminal and stops early with its summary: %s', async (_case, workers) => {
    const url = await serve((_request, response) => response.end('x'));
    const abort = new AbortController();
    const { io, written } = makeIo({ isTTY: true, signal: abort.signal });
    const running = loadCommand(io).parseAsync(
      [url, '--rate', '50', '--arrivals', 'poisson', '--duration', '60s', '--json', ...workers],
      { from: 'user' },
    );
    await until(() => /\d of 60 s {2}\d+ requests\/s {2}p50 [\d.]+ ms {2}p99 [\d.]+ ms/.test(written.stderr));
    abort.abort('SIGINT');
    await running;
    expect(written.exitCode).toBe(130);
    const { requests, responseTime, serviceTime } = JSON.parse(written.stdout);
    expect(requests).toBeGreaterThan(10);
    expect([responseTime.count, serviceTime.count]).toEqual([requests, requests]);
    expect(written.stderr.endsWith('\r\u001b[K')).toBe(true);
  });

  it('without a single answer is inconclusive', async () => {
    const url = await serve((_request, response) => response.destroy());
    expect(await run([url, '--requests', '3', '--think-time', '0'])).toMatchObject({
      exitCode: 2,
      stdout: expect.stringMatching(/status +no answer\nerrors +closed: 3/),
    });
  });

  it('to a port where nobody listens is an environment error before the load', async () => {
    const port = await freePort();
    await expect(run([`http://127.0.0.1:${port}/`])).rejects.toThrow(EnvironmentError);
    await expect(run([`http://127.0.0.1:${port}/`])).rejects.toThrow(`http://127.0.0.1:${port} cannot be reached`);
  });
});

describe('usage', () => {
  test.each([
    ['nothing to ask for', [], [/nothing to ask for/]],
    ['both a URL and a list', ['http://x/', '--uris', 'uris.txt'], [/exclude each other/]],
    ['paths without a base', ['--uris', 'uris.txt'], [/--base-url: uris\.txt holds paths/]],
    ['a list that is not there', ['--uris', 'no.txt', '--base-url', 'http://x'], [/^no\.txt: no such file/]],
    ['a bad line', ['--uris', 'bad.txt', '--base-url', 'http://x'], [/^bad\.txt:2: .*FETCH/m]],
    [
      'a think time without users',
      ['http://x/', '--rate', '5', '--think-time', '0'],
      [/--think-time: an open model has none/],
    ],
    [
      'two versions without a text',
      ['http://x/', '--marker', 'v1=', '--marker', 'v2='],
      [/--marker: v1 and v2 have no text/, /--marker: nothing tells/],
    ],
    ['a marker URI without a marker', ['http://x/', '--marker-uri', '/d/*'], [/--marker-uri: is for --marker/]],
    ['an empty text of failure', ['http://x/', '--marker-failed', ''], [/--marker-failed: an empty text/]],
    [
      'a URI with a variable of no value',
      ['http://x/{id}', '--set', 'ie=7'],
      [/unknown variable \{id\}/, /Known are \{ie\}/],
    ],
    [
      'stages that fit to both models, or to none',
      ['http://x/', '--rate', '5', '--users', '2', '--stages', '1s:5'],
      [/--stages: cannot tell users from arrivals/],
    ],
    ['a speed without a replay', ['http://x/', '--speed', '2x'], [/--speed: needs --replay/]],
    ['a replay that is not there', ['http://x/', '--replay', 'no.txt'], [/^no\.txt: no such file/]],
    ['a replay that is a folder', ['http://x/', '--replay', '.'], [/^\.: is no regular file/]],
    [
      'a replay with bad lines',
      ['http://x/', '--replay', 'bad.txt'],
      [/^bad\.txt:1: "\/a" is no time/, /^bad\.txt:2: "FETCH" is no time/m],
    ],
    [
      'a replay and a model',
      ['http://x/', '--replay', 'times.txt', '--users', '5', '--think-time', '0'],
      [/--users and --think-time: a replay has arrivals of its own/],
    ],
    [
      'a replay that names its URIs, and a URL',
      ['http://x/', '--replay', 'access.txt'],
      [/--replay: the recording names its own URIs/],
    ],
    ['a replay of paths without a base', ['--replay', 'access.txt'], [/--base-url: access\.txt holds paths/]],
    ['a replay of times without a URI', ['--replay', 'times.txt'], [/nothing to ask for/]],
    ['stages twice', ['http://x/', '--users', '1s:5', '--stages', '1s:5'], [/--stages: stages are given already/]],
    ['a ramp and stages', ['http://x/', '--stages', '1s:5', '--ramp-up', '1s'], [/--ramp-up: contradicts stages/]],
    ['a ramp down without an end', ['http://x/', '--ramp-down', '1s'], [/--ramp-down: needs --duration/]],
    [
      'ramps that are too long',
      ['http://x/', '--ramp-up', '6s', '--ramp-down', '5s', '--duration', '10s'],
      [/--ramp-up and --ramp-down: last longer than --duration/],
    ],
    ['half a user', ['http://x/', '--users', '1.5'], [/--users: users are whole numbers up to 100000/]],
    ['no user ever', ['http://x/', '--stages', '10s:0'], [/--users: there is never a user/]],
    ['no arrival ever', ['http://x/', '--rate', '10s:0'], [/--rate: nothing ever arrives/]],
    ['a limit in flight without a rate', ['http://x/', '--max-in-flight', '5'], [/--max-in-flight: needs --rate/]],
    ['arrivals without a rate', ['http://x/', '--arrivals', 'poisson'], [/--arrivals: needs --rate/]],
    [
      'what only another engine can do',
      ['http://x/', '--engine', 'k6', '--rate', '5', '--arrivals', 'poisson', '--workers', '2'],
      [/no arrivals at random[\s\S]*--engine node/, /uses all cores/],
    ],
    [
      'options of k6 without it',
      ['http://x/', '--k6', '/usr/bin/k6', '--script', 'spike'],
      [/--k6: is for --engine k6/, /--script: is for --engine k6/],
    ],
  ])('%s', async (_case, args, messages) => {
    writeFileSync(join(folder, 'uris.txt'), '/a\n');
    writeFileSync(join(folder, 'bad.txt'), '/a\nFETCH /b\n');
    writeFileSync(join(folder, 'times.txt'), '0\n0.1\n');
    writeFileSync(join(folder, 'access.txt'), '0 /a\n');
    const error = await run(args).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(ConfigError);
    for (const message of messages) expect((error as ConfigError).message).toMatch(message);
  });

  test.each([
    ['--think-time', '5'],
    ['--duration', '10'],
    ['--users', '0'],
    ['--rate', '-1'],
    ['--engine', 'wrk'],
    ['--arrivals', 'bursts'],
    ['--marker', 'LoyaltyLevel'],
    ['--set', '=7'],
    ['--stages', '30s'],
    ['--ramp-up', '5'],
    ['--speed', '0x'],
    ['--speed', 'fast'],
    ['--order', 'sorted'],
    ['--max-in-flight', '0'],
  ])('%s %s is refused by the parser', async (option, value) => {
    await expect(run(['http://x/', option, value])).rejects.toMatchObject({ code: 'commander.invalidArgument' });
  });
});
