import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';

const MAIN = resolve('dist/cli/main.js');

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-process-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The first line of a lab of its own, whose temporary folder is the test's. */
async function lab(args: readonly string[], dir: string) {
  const child = spawn(process.execPath, [MAIN, 'lab', ...args], {
    env: { ...process.env, TMPDIR: dir },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | null>((done) => child.once('close', done));
  let printed = '';
  child.stdout.setEncoding('utf8');
  await new Promise<void>((done) =>
    child.stdout.on('data', (text: string) => {
      printed += text;
      if (printed.includes('\n')) done();
    }),
  );
  return { child, ended, printed: () => printed };
}

describe('the process', () => {
  beforeAll(() => {
    if (!existsSync(MAIN)) throw new Error('build first: npm run build');
  });

  it.each([
    { says: 'as promised', k: 100, verdict: 'pass', code: 0 },
    { says: 'a quarter instead of a tenth', k: 250, verdict: 'fail', code: 1 },
    { says: 'a stream that ends too soon', k: 100, lines: 1, verdict: 'inconclusive', code: 2 },
    { says: 'counts that go down', k: -1, verdict: undefined, code: 3 },
  ])('judges lines of another process: $says', ({ k, lines = 20, verdict, code }) => {
    const input = Array.from(
      { length: lines },
      (_, i) => `{"k":${k < 0 ? 100 + k * i : k * (i + 1)},"n":${1000 * (i + 1)}}`,
    );
    const args = ['judge', '--share', '10%', '--margin', '3%', '--stdin', '--json'];
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { input: input.join('\n') });
    expect(status, String(stderr)).toBe(code);
    if (verdict) expect(JSON.parse(String(stdout))).toMatchObject({ verdict });
    else expect(String(stderr)).toContain('stdin:2: ');
  });

  it('starts a load with little else than the engine: modules are what its start takes longest for', () => {
    const listed = join(folder(), 'imports');
    const hook = `data:text/javascript,import { register } from 'node:module'; register('${pathToFileURL(resolve('test/support/importLister.mjs'))}')`;
    // Nobody listens on port 1: it ends before anything is sent.
    const args = ['--import', hook, MAIN, 'load', 'http://127.0.0.1:1/', '--duration', '1s'];
    const { status, stderr } = spawnSync(process.execPath, args, { env: { ...process.env, LISTED_IMPORTS: listed } });
    expect(status, String(stderr)).toBe(4);
    const files = [...new Set(readFileSync(listed, 'utf8').split('\n'))];
    const packages = files.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
    expect(new Set(packages)).toEqual(new Set(['commander', 'fastest-levenshtein', 'picocolors']));
    expect(files.filter((url) => url.includes('/dist/')).length).toBeLessThan(100);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'of a lab prints one line, and %s leaves no folder behind',
    async (signal) => {
      const dir = folder();
      const { child, ended, printed } = await lab([], dir);
      expect(Object.keys(JSON.parse(printed()) as object)).toEqual([
        'kubeconfig',
        'baseUrl',
        'prometheusUrl',
        'kialiUrl',
      ]);
      expect(readdirSync(dir)).toHaveLength(1);
      child.kill(signal);
      expect(await ended).toBe(0);
      expect(readdirSync(dir)).toEqual([]);
      expect(printed().split('\n')).toHaveLength(2);
    },
  );

  it('takes a signal that arrives twice at once, as from `timeout`, for one', async () => {
    const { child, ended } = await lab([], folder());
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('of a lab that belongs to another process ends with its standard input', async () => {
    const dir = folder();
    const { child, ended } = await lab(['--stop-with-stdin'], dir);
    child.stdin.end();
    expect(await ended).toBe(0);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('of a lab does not mind a reader that goes away', async () => {
    const { child, ended } = await lab([], folder());
    child.stdout.destroy();
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it.skipIf(!existsSync('/dev/full'))('ends with 4 when its results cannot be written', () => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const args = [MAIN, 'judge', '--share', '10%', '--observed', '402/4000'];
    const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
    expect(stderr).toMatch(/^E_OUTPUT: the output could not be written: .*ENOSPC/);
    expect(status).toBe(4);
  });

  it('answers its version', () => {
    const { status, stdout } = spawnSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});
