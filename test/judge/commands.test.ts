import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { judgeCommand } from '../../src/cli/commands/judge.js';
import { planCommand } from '../../src/cli/commands/plan.js';
import type { Io, Output } from '../../src/cli/io.js';

function makeIo(chunks: Iterable<string> = []) {
  const written = { stdout: '', stderr: '', exitCode: 0 };
  const output = (name: 'stdout' | 'stderr'): Output => ({
    write: (text) => {
      written[name] += text;
    },
    isTTY: false,
    columns: 80,
    color: false,
  });
  const abort = new AbortController();
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: {},
    cwd: process.cwd(),
    stdin: Readable.from(chunks),
    signal: abort.signal,
    setExitCode: (code) => {
      written.exitCode = code;
    },
  };
  return { io, written, abort };
}

async function judge(args: readonly string[], chunks: Iterable<string> = []) {
  const { io, written } = makeIo(chunks);
  await judgeCommand(io)
    .exitOverride()
    .parseAsync([...args], { from: 'user' });
  return { ...written, json: args.includes('--json') ? JSON.parse(written.stdout) : undefined };
}

const promise = ['--share', '10%', '--margin', '3%', '--error-rate', '0.01%'];

describe('judge --observed', () => {
  test.each([
    ['402/1601', 'fail', 1, 1601],
    ['1000/10000', 'pass', 0, 10_000],
    ['10/100', 'inconclusive', 2, null],
    ['0/0', 'no-data', 2, null],
  ])('%s is %s', async (observed, verdict, exitCode, decidedAt) => {
    const result = await judge([...promise, '--observed', observed, '--json']);
    expect(result.json).toMatchObject({ verdict, decidedAt, errorRate: 0.0001 });
    expect(result.exitCode).toBe(exitCode);
    expect(result.stderr).toBe('');
  });

  test('shows share and interval', async () => {
    const { json } = await judge([...promise, '--observed', '402/1601', '--json']);
    expect(json.share.observed).toBeCloseTo(0.2511, 4);
    expect(json.share.low).toBeCloseTo(0.198, 3);
    expect(json.share.high).toBeCloseTo(0.309, 3);
  });

  test('says it in one sentence without --json', async () => {
    const { stdout } = await judge([...promise, '--observed', '402/1601']);
    expect(stdout).toBe(
      'fail: 402 of 1,601: 25.1 % (between 19.8 % and 30.9 %); 10 % ± 3 % was promised and is refuted at error rate 0.01 %.\n',
    );
  });

  test.each([
    ['0%', '0/917', 'pass'],
    ['0%', '0/916', 'inconclusive'],
    ['0%', '1/5000', 'fail'],
    ['100%', '917/917', 'pass'],
    ['100%', '916/917', 'fail'],
  ])('a promised %s with %s is %s', async (share, observed, verdict) => {
    expect((await judge(['--share', share, '--observed', observed, '--json'])).json.verdict).toBe(verdict);
  });
});

describe('judge --stdin', () => {
  test('decides at the first line that suffices, and reads no further', async () => {
    function* endless() {
      for (let n = 100; ; n += 100) yield `{"k":${n / 10},"n":${n}}\n`;
    }
    const result = await judge([...promise, '--stdin', '--json'], endless());
    expect(result.json.verdict).toBe('pass');
    expect(result.json.decidedAt % 100).toBe(0);
    const before = result.json.decidedAt - 100;
    expect((await judge([...promise, '--observed', `${before / 10}/${before}`, '--json'])).json.verdict).toBe(
      'inconclusive',
    );
  });

  test('is the same however the bytes are cut', async () => {
    const text = '{"k":1,"n":10}\n\n{"k":10,"n":100}\r\n{"k":402,"n":1601}';
    const whole = await judge([...promise, '--stdin', '--json'], [text]);
    const bytes = await judge([...promise, '--stdin', '--json'], [...text]);
    expect(whole.json).toMatchObject({ verdict: 'fail', decidedAt: 1601 });
    expect(bytes).toEqual(whole);
  });

  test('an empty stream is no data, a short one inconclusive', async () => {
    expect((await judge([...promise, '--stdin', '--json'])).json.verdict).toBe('no-data');
    const short = await judge([...promise, '--stdin', '--json'], ['{"k":1,"n":10}\n']);
    expect(short.json).toMatchObject({ verdict: 'inconclusive', decidedAt: null });
    expect(short.exitCode).toBe(2);
  });

  test.each([
    ['no JSON', 'k=1\n', '"k=1": it is no JSON'],
    ['no object', '[1,2]\n', 'it must hold k and n'],
    ['a missing count', '{"k":1}\n', 'n must be a whole number'],
    ['a fraction', '{"k":1.5,"n":2}\n', 'k must be a whole number'],
    ['a negative count', '{"k":-1,"n":2}\n', 'k must be a whole number'],
    ['more than all', '{"k":3,"n":2}\n', 'k is 3, more than n, which is 2'],
    [
      'fewer requests than before',
      '{"k":1,"n":20}\n{"k":1,"n":10}\n',
      'counts must be cumulative, but 1/10 follows 1/20',
    ],
    ['fewer others than before', '{"k":1,"n":20}\n{"k":15,"n":21}\n', 'counts must be cumulative'],
    ['a line without end', 'x'.repeat(70_000), 'longer than'],
  ])('refuses %s', async (_says, text, message) => {
    await expect(judge([...promise, '--stdin'], [text])).rejects.toThrow(message);
  });

  test('names every bad line', async () => {
    const error = await judge([...promise, '--stdin'], ['{"k":1,"n":10}\nfoo\n{"k":0,"n":5}\n']).catch(
      (each: unknown) => each,
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems.map((each) => each.line)).toEqual([2, 3]);
  });

  test('ends when it is interrupted, though the stream does not', async () => {
    const { io, written, abort } = makeIo();
    const stdin = new Readable({ read() {} });
    const running = judgeCommand({ ...io, stdin })
      .exitOverride()
      .parseAsync([...promise, '--stdin', '--json'], { from: 'user' });
    stdin.push('{"k":1,"n":10}\n');
    abort.abort('SIGINT');
    await running;
    stdin.destroy();
    expect(written.stderr).toContain('interrupted');
    expect(JSON.parse(written.stdout).decidedAt).toBeNull();
  });
});

test('judge names every bad option at once', async () => {
  const error = await judge(['--margin', '3', '--error-rate', '90%', '--observed', '5/x']).catch(
    (each: unknown) => each,
  );
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).problems.map((each) => each.file)).toEqual([
    '--share',
    '--margin',
    '--error-rate',
    '--observed',
  ]);
  await expect(judge(promise)).rejects.toThrow('neither --observed nor --stdin');
  await expect(judge([...promise, '--stdin', '--observed', '1/2'])).rejects.toThrow('it excludes --stdin');
});

describe('plan', () => {
  const plan = async (args: readonly string[]) => {
    const { io, written } = makeIo();
    await planCommand(io)
      .configureOutput({ writeErr: () => {} })
      .exitOverride()
      .parseAsync([...args], { from: 'user' });
    return written.stdout;
  };

  test('tells Pitstop’s five stages in JSON', async () => {
    const document = JSON.parse(await plan(['--json']));
    expect(document.stages.map((each: { name: string }) => each.name)).toEqual([
      'v1-only',
      'dark',
      'mirror',
      'canary',
      'even',
    ]);
    for (const { checks } of document.stages) {
      for (const check of checks) {
        expect(check).toMatchObject({
          name: expect.any(String),
          requests: { expected: expect.any(Number), q95: expect.any(Number), q99: expect.any(Number) },
          seconds: { expected: expect.any(Number), q99: expect.any(Number) },
          falseAlarm: expect.any(Number),
          miss: expect.any(Number),
        });
      }
    }
  });

  test('prints a table, and a warning when the rate is too low', async () => {
    const text = await plan(['--rate', '5']);
    expect(text).toMatch(/canary +share:v2 at client +\d+ +\d+ +\d+/);
    expect(text).toMatch(/canary +share:v2 at client( +\d+ \(\d+\.\d\)){6}/);
    expect(text).toContain('warning: 5 requests/s tell the versions apart: canary ± 3 % takes');
  });

  test('refuses a rate that is none, and a scenario that is not there', async () => {
    await expect(plan(['--rate', '0'])).rejects.toThrow('above 0');
    await expect(plan(['nowhere.yaml'])).rejects.toThrow(ConfigError);
  });
});
