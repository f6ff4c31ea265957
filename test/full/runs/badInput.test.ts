import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectCluster } from '../../../src/cluster/client.js';
import {
  clusterOptions,
  type LabAddresses,
  SCENARIO,
  smallLoad,
  start,
  startedLab,
  type Workspace,
  weighbridge,
} from '../../support/cli.js';
import { until } from '../../support/load.js';

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return listening(server);
}

/** A TCP relay that can be cut, as a service that dies. */
async function relay(to: string): Promise<{ url: string; cut(): void }> {
  const { hostname, port } = new URL(to);
  const sockets = new Set<Socket>();
  const server = createTcpServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => into.destroy());
      from.on('close', () => into.destroy());
      from.pipe(into);
    }
  });
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(cut);
  return { url: await listening(server), cut };
}

const NOBODY = 'http://127.0.0.1:1';
const lastJournal = (space: Workspace): string =>
  readFileSync(join(space.dir, 'reports/latest/journal.ndjson'), 'utf8');
const runOn = (space: Workspace, addresses: LabAddresses, ...more: string[]) =>
  weighbridge(['run', SCENARIO, '--stage', 'v1-only', '--seed', '9', ...clusterOptions(addresses), ...more], space.dir);

describe('a faulty scenario', () => {
  it('ends with exit code 3 and every problem at once, each with its file and line, before anything is written', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'warmUp: 500ms', 'warmUp: 1 parsec');
    space.edit(SCENARIO, 'maxDuration:', 'maxDurration:');
    space.edit(SCENARIO, '- name: dark', '- name: v1-only');
    space.edit(SCENARIO, 'customermanagementapi-dr.yaml', 'nowhere.yaml');
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', 'weight: 10', 'weight: -10');
    space.edit('uris/loadtest-uris.txt', /[\s\S]*/, '/\nht!tp://[::x\n');
    const { code, stdout, stderr } = await weighbridge(['run', SCENARIO], space.dir);
    for (const problem of [
      /^scenarios\/pitstop\/scenario\.yaml:\d+:\d+: warmUp: found "1 parsec"; allowed is a duration with its unit/m,
      /^scenarios\/pitstop\/scenario\.yaml:\d+:\d+: .*unknown key "maxDurration"(.|\n)*did you mean "maxDuration"/m,
      /^scenarios\/pitstop\/scenario\.yaml:\d+:\d+: .*two stages are named "v1-only"/m,
      /^scenarios\/pitstop\/scenario\.yaml:\d+:\d+: .*nowhere\.yaml: no such file/m,
      /^scenarios\/pitstop\/customermanagementapi-canary\.yaml:\d+:\d+: .*weight: found -10; allowed is an integer from 0/m,
      /^uris\/loadtest-uris\.txt:2: "ht!tp:\/\/\[::x" is no URI/m,
    ])
      expect(stderr).toMatch(problem);
    expect(stderr).toMatch(/\n6 problems\n$/);
    expect([code, stdout]).toEqual([3, '']);
    expect(existsSync(join(space.dir, 'reports'))).toBe(false);
  });

  it('ends with exit code 3 when the URI list is empty', async () => {
    const space = smallLoad();
    space.edit('uris/loadtest-uris.txt', /[\s\S]*/, '# nothing yet\n');
    const { code, stderr } = await weighbridge(['run', SCENARIO], space.dir);
    expect(stderr).toMatch(/^uris\/loadtest-uris\.txt:\d+: holds no URI/m);
    expect(code).toBe(3);
  });
});

describe('an environment that is not as it should be', () => {
  it('ends with exit code 4, the address and the remedy before any load, and leaves the cluster alone', async () => {
    const space = smallLoad();
    const lab = await startedLab(space);
    const html = await serve((_request, response) => response.end('<html><body>Sign in</body></html>'));
    const broken = await serve((_request, response) => response.writeHead(500).end('boom'));
    const cases: [LabAddresses, RegExp][] = [
      [{ ...lab, prometheusUrl: NOBODY }, /127\.0\.0\.1:1\b.*ECONNREFUSED(.|\n)*--prometheus-url/],
      [{ ...lab, prometheusUrl: html }, new RegExp(`${html}(.|\\n)*--prometheus-url`)],
      [{ ...lab, prometheusUrl: broken }, new RegExp(`${broken}.*500(.|\\n)*--prometheus-url`)],
      [{ ...lab, baseUrl: NOBODY }, /http:..127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED(.|\n)*--base-url/],
    ];
    for (const [addresses, expected] of cases) {
      const { code, stdout, stderr } = await runOn(space, addresses, '--json');
      expect(stderr).toMatch(expected);
      expect(code, stderr).toBe(4);
      expect((JSON.parse(stdout) as { exitCode: number }).exitCode).toBe(4);
      expect(lastJournal(space)).not.toMatch(/"type":"(load-started|changed)"/);
    }

    space.edit(SCENARIO, 'graph: account', 'graph: require');
    for (const kialiUrl of [NOBODY, html, broken]) {
      const { code, stderr } = await runOn(space, { ...lab, kialiUrl });
      expect(stderr).toContain(kialiUrl.replace('http://', ''));
      expect(stderr).toMatch(/--kiali-url/);
      expect(code, stderr).toBe(4);
    }

    const webapp = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'pitstop', name: 'webapp' };
    await (await connectCluster(lab)).remove(webapp);
    const { code, stderr } = await runOn(space, lab);
    expect(stderr).toMatch(
      /E_TARGET: .*no workload webapp.*\n.*workloads there: customermanagementapi-v1, .*vehiclemanagementapi/,
    );
    expect(code).toBe(4);
  });

  it('goes on without Kiali where the graph only accounts, and says so', async () => {
    const space = smallLoad();
    const lab = await startedLab(space);
    const { code, stderr } = await runOn(space, { ...lab, kialiUrl: NOBODY });
    expect(stderr).toMatch(/graph.*127\.0\.0\.1:1/);
    // 2 only when others have the cores meanwhile.
    expect([0, 2], stderr).toContain(code);
    expect(space.report().unreachable).toMatchObject([{ vantagePoint: 'graph' }]);
    expect(space.report().stages[0]?.checks).toContainEqual(
      expect.objectContaining({ vantagePoint: 'graph', required: false, verdict: 'no-data' }),
    );
  });

  it('has no verdict when Prometheus dies in the middle of a stage, and still puts the cluster back', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 6s');
    const lab = await startedLab(space);
    const prometheus = await relay(lab.prometheusUrl);
    const run = start(
      [
        'run',
        SCENARIO,
        '--stage',
        'mirror',
        '--allow-undecidable',
        '--seed',
        '9',
        ...clusterOptions({ ...lab, prometheusUrl: prometheus.url }),
      ],
      space.dir,
    );
    await run.printed(/mirror running/);
    prometheus.cut();
    const { code, stderr } = await run.finished;
    expect(code, stderr).toBe(2);
    const [stage] = space.report().stages.filter(({ name }) => name === 'mirror');
    expect(stage?.verdict).toBe('no-data');
    expect(stage?.checks.find(({ vantagePoint }) => vantagePoint === 'source')?.reason).toContain(prometheus.url);
    expect(stderr).toMatch(/put back objects=[1-9]/);
  });

  it('counts what a broken web application answers as failures, hangs on nothing and needs no memory for it', async () => {
    const space = smallLoad();
    space.edit(SCENARIO, 'users: 100', 'users: 20');
    space.edit(SCENARIO, 'maxDuration: 40s', 'maxDuration: 4s');
    space.edit(SCENARIO, 'thinkTime:', 'timeout: 1s\n  thinkTime:');
    space.edit(SCENARIO, /^seed: .*$/m, 'seed: []');
    space.edit(SCENARIO, /marker:\n(?: {2}.*\n)+/, 'marker: off\n');
    space.edit('uris/loadtest-uris.txt', /[\s\S]*/, '/garbage\n/cut\n/silent\n/huge\n');
    const huge = Buffer.alloc(1024 * 1024, 'x');
    const baseUrl = await serve((request, response) => {
      response.on('error', () => undefined);
      if (request.url === '/garbage') request.socket.end('\u0000\u0007\u001b[2J this is not HTTP\r\n\r\n');
      else if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': 1000 }).write('half');
        setTimeout(() => request.socket.destroy(), 5);
      } else if (request.url === '/huge') {
        let left = 100;
        response.writeHead(200);
        const more = () => {
          while (left-- > 0) if (!response.write(huge)) return void response.once('drain', more);
          response.end();
        };
        more();
      }
    });
    const lab = await startedLab(space);
    const { code, stderr } = await runOn(space, { ...lab, baseUrl }, '--allow-undecidable');
    expect([1, 2], stderr).toContain(code);
    const { load } = space.report();
    expect(load?.failed).toBeGreaterThan(20);
    expect(Object.keys(load?.errors ?? {}).length).toBeGreaterThanOrEqual(3);
    expect(load?.errors.timeout).toBeGreaterThan(0);
    expect(load?.generator.peakRssBytes).toBeLessThan(500 * 1024 * 1024);
  });
});

describe('signals', () => {
  it('a second Ctrl-C leaves at once with 130, even when the cluster hangs; restore puts things back', async () => {
    const space = smallLoad();
    const lab = await startedLab(space);
    const run = start(['run', SCENARIO, '--stage', 'mirror', '--seed', '9', ...clusterOptions(lab)], space.dir);
    await run.printed(/mirror arrived/);
    lab.lab.child.kill('SIGSTOP');
    run.child.kill('SIGINT');
    await run.printed(/stopping: .*another signal leaves at once/);
    expect(run.child.exitCode).toBeNull();
    // Within a moment it is taken for the same one, handed on.
    await until(() => {
      run.child.kill('SIGINT');
      return run.child.exitCode !== null;
    });
    expect((await run.finished).code).toBe(130);
    lab.lab.child.kill('SIGCONT');
    const { code, stdout, stderr } = await weighbridge(['restore', '--kubeconfig', lab.kubeconfig], space.dir);
    expect(stdout).toMatch(/deleted +VirtualService\/pitstop\/customermanagementapi/);
    expect(code, stderr).toBe(0);
  });

  it('SIGTERM ends with 143, reports written; the lab of a run ends with it, however it ends', async () => {
    const space = smallLoad();
    const tmp = join(space.dir, 'tmp');
    mkdirSync(tmp);
    const labs = () => readdirSync(tmp).filter((name) => name.startsWith('weighbridge-lab-'));
    const begin = async () => {
      const run = start(['run', SCENARIO, '--stage', 'dark', '--seed', '9', '--json'], space.dir, { TMPDIR: tmp });
      await run.printed(/dark started/);
      expect(labs()).toHaveLength(1);
      return run;
    };
    const terminated = await begin();
    terminated.child.kill('SIGTERM');
    const { code, stdout, stderr } = await terminated.finished;
    expect(code, stderr).toBe(143);
    expect((JSON.parse(stdout) as { exitCode: number }).exitCode).toBe(143);
    expect(space.report().exitCode).toBe(143);
    expect(labs()).toEqual([]);

    const killed = await begin();
    killed.child.kill('SIGKILL');
    await killed.finished;
    await until(() => labs().length === 0);
  });
});
