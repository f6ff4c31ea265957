import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { seededRandom } from '../../src/base/random.js';
import { judgeCommand } from '../../src/cli/commands/judge.js';
import { planCommand } from '../../src/cli/commands/plan.js';
import type { Io, Output } from '../../src/cli/io.js';
import { ruleFor } from '../../src/judge/requirements.js';

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

describe('judge with several versions', () => {
  const three = ['--share', 'v1=70%', '--share', 'v2=20%', '--share', 'v3=10%', '--margin', '5%'];

  test('judges one division, with intervals for each version', async () => {
    const { json, exitCode } = await judge([...three, '--observed', 'v1=7000,v2=2000,v3=1000', '--json']);
    expect(json).toMatchObject({ verdict: 'pass', decidedAt: 10_000, errorRate: 0.0001 });
    expect(exitCode).toBe(0);
    for (const [name, share] of [
      ['v1', 0.7],
      ['v2', 0.2],
      ['v3', 0.1],
    ] as const) {
      const { observed, low, high } = json.shares[name];
      expect(observed).toBe(share);
      expect(low).toBeLessThan(share);
      expect(high).toBeGreaterThan(share);
    }
  });

  test('reads lines by version, and decides at the first that suffices', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => `{"v1":${60 * i},"v2":${30 * i},"v3":${10 * i}}\n`);
    const { json, exitCode } = await judge([...three, '--stdin', '--json'], lines);
    expect(json.verdict).toBe('fail');
    expect(json.reason).toContain('most by v2');
    expect(json.decidedAt).toBeLessThan(1000);
    expect(json.pValue).toBeLessThanOrEqual(1e-4);
    expect(exitCode).toBe(1);
  });

  test.each([
    ['shares beyond 100 %', ['--share', 'v1=70%', '--share', 'v2=40%'], 'the shares sum to 110 %, not to 100 %'],
    ['a share left out', ['--share', 'v1=70%'], 'the shares sum to 70 %, not to 100 %'],
    ['a share without its version', ['--share', 'v1=70%', '--share', '30%'], 'need the names of their versions'],
    ['a version twice', ['--share', 'v1=70%', '--share', 'v1=30%'], 'v1 is there twice'],
    ['a share above 100 %', ['--share', 'v1=170%', '--share', 'v2=30%'], '"170%" is not a percentage'],
  ])('refuses %s', async (_says, shares, message) => {
    await expect(judge([...shares, '--observed', 'v1=1,v2=1'])).rejects.toThrow(message);
  });

  test.each([
    ['a version that was not promised', 'v1=1,v2=1,v4=1', '"v4" was promised nothing'],
    ['a version left out', 'v1=1,v2=1', 'v3 must be a whole number from 0 to 9007199254740991, but it is missing'],
    ['a negative count', 'v1=-1,v2=1,v3=1', 'v1 must be a whole number'],
    ['k of n', '10/100', 'it must hold v1, v2, v3'],
    ['more than can be counted', `v1=${Number.MAX_SAFE_INTEGER},v2=1,v3=0`, 'together they are more than'],
  ])('refuses %s', async (_says, observed, message) => {
    await expect(judge([...three, '--observed', observed])).rejects.toThrow(message);
  });

  test('refuses counts that go down, and names the line', async () => {
    const error = await judge([...three, '--stdin'], ['{"v1":7,"v2":2,"v3":1}\n{"v1":6,"v2":9,"v3":1}\n']).catch(
      (each: unknown) => each,
    );
    expect((error as ConfigError).problems).toMatchObject([
      { line: 2, message: 'counts must be cumulative, but v1=6,v2=9,v3=1 follows v1=7,v2=2,v3=1' },
    ]);
  });
});

describe('judge refuses what cannot be judged', () => {
  test.each([
    ['negative counts', '-1/10', 'k must be a whole number'],
    ['more than all', '11/10', 'k is 11, more than n, which is 10'],
    ['no numbers', 'NaN/10', 'it must hold k and n'],
    ['fractions', '1.5/10', 'it must hold k and n'],
  ])('%s', async (_says, observed, message) => {
    await expect(judge([...promise, '--observed', observed])).rejects.toThrow(message);
  });

  test.each([
    ['a share above 100 %', ['--share', '101%'], 'is not a percentage from 0% to 100%'],
    ['a negative share', ['--share=-1%'], 'is not a percentage from 0% to 100%'],
    ['a margin of 0', ['--share', '10%', '--margin', '0%'], 'is not a percentage above 0% and below 100%'],
    ['a margin that reaches 0', ['--share', '3%', '--margin', '3%'], 'makes 0 % as good as the promised 3 %'],
    ['a margin that reaches 100 %', ['--share', '98%', '--margin', '5%'], 'makes 100 % as good as the promised 98 %'],
    [
      'a quiet band as wide as the margin',
      ['--share', '10%', '--quiet', '3%'],
      'is not a percentage from 0% to below the margin',
    ],
  ])('%s', async (_says, options, message) => {
    await expect(judge([...options, '--observed', '1/10'])).rejects.toThrow(message);
  });

  test('but a promise of none has no margin to reach it', async () => {
    expect((await judge(['--share', '0%', '--observed', '0/917', '--json'])).json.verdict).toBe('pass');
  });
});

test('a quiet band does not alarm at its edge, where a promise of the point does', async () => {
  const options = ['--share', '10%', '--margin', '3%', '--observed', '21000/200000', '--json'];
  expect((await judge(options)).json.verdict).toBe('fail');
  expect((await judge([...options, '--quiet', '0.5%'])).json.verdict).toBe('pass');
});

describe('judge --stdin on a thousand streams', () => {
  const [share, margin, error] = [0.1, 0.05, 0.01];
  const options = ['--share', '10%', '--margin', '5%', '--error-rate', '1%', '--stdin', '--json'];
  const gate = ruleFor({ kind: 'gate', share, margin, alpha: error, beta: error });

  /** Cumulative counts of independent draws, a line every 25 requests. */
  function* lines(truth: number, seed: number) {
    const random = seededRandom(41, seed);
    for (let k = 0, n = 0; ; ) {
      for (let i = 0; i < 25; i++) {
        n++;
        if (random() < truth) k++;
      }
      yield { k, n };
    }
  }

  test('decides each at the line where the rule does, and errs in no more than was promised', async () => {
    let [alarms, misses] = [0, 0];
    for (let stream = 0; stream < 1000; stream++) {
      const truth = stream % 2 === 0 ? 0.1 : 0.15;
      const looks: { k: number; n: number }[] = [];
      for (const look of lines(truth, stream)) {
        looks.push(look);
        if (gate.decide(look.k, look.n) !== 'continue') break;
      }
      const last = looks.at(-1) as { k: number; n: number };
      const text = looks.map((look) => JSON.stringify(look)).join('\n');
      const { json } = await judge(options, [`${text}\n{"k":${last.k},"n":${10 * last.n}}\n`]);
      expect(json.decidedAt).toBe(last.n);
      expect(json.verdict).toBe(gate.decide(last.k, last.n));
      const highest = Math.max(0, ...looks.map(({ k, n }) => gate.lnEvidence(k, n)));
      expect(json.pValue).toBeCloseTo(Math.exp(-highest), 9);
      if (truth === 0.1 && json.verdict === 'fail') alarms++;
      if (truth === 0.15 && json.verdict === 'pass') misses++;
    }
    // 1 % of 500 and three standard deviations.
    expect(alarms).toBeLessThanOrEqual(5 + 7);
    expect(misses).toBeLessThanOrEqual(5 + 7);
  });
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
