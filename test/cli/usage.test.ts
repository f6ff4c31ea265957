import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { say } from '../support/io.js';

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-usage-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

describe('usage that is refused, with exit code 3 and nothing on stdout', () => {
  it.each<[sentence: string, args: string[], stderr: RegExp]>([
    ['an unknown command', ['rnu'], /unknown command 'rnu'(.|\n)*Did you mean run\?(.|\n)*try weighbridge --help/],
    [
      'an unknown option',
      ['run', '--stagee', 'x'],
      /unknown option '--stagee'(.|\n)*--stage(.|\n)*try weighbridge run --help/,
    ],
    ['an option without its value', ['run', '--stage'], /--stage <name>' argument missing/],
    ['too many arguments', ['run', 'a', 'b'], /too many arguments for 'run'/],
    ['an unknown target', ['run', '--target', 'moon'], /Allowed choices are lab, cluster/],
    ['a seed that is no number', ['run', '--seed', 'x'], /--seed.*whole number from 0 to 4294967295/],
    ['a negative seed', ['run', '--seed', '-1'], /--seed/],
    ['a seed beyond 32 bit', ['run', '--seed', '4294967296'], /--seed.*whole number/],
    ['an address that is none', ['run', '--target', 'cluster', '--base-url', 'localhost'], /--base-url.*must be a URL/],
    [
      'an address of another protocol',
      ['verify', '--stage', 'x', '--kiali-url', 'ftp://k'],
      /--kiali-url.*must be a URL/,
    ],
    [
      'options of a cluster with the lab',
      ['run', '--kubeconfig', 'k', '--base-url', 'http://x'],
      /--base-url: is for a cluster(.|\n)*--kubeconfig: is for a cluster(.|\n)*--target cluster(.|\n)*2 problems/,
    ],
    [
      'a stage that is not there',
      ['run', '--stage', 'canari', '--stage', 'x'],
      /no stage "canari"; it has: v1-only, dark, mirror, canary, even\n(.|\n)*no stage "x"(.|\n)*2 problems/,
    ],
    ['a verification without a stage', ['verify'], /required option '--stage <name>'/],
    ['a verification of a stage that is not there', ['verify', '--stage', 'x'], /no stage "x"/],
    ['a diagnosis without a stage', ['diagnose'], /--stage: is needed: .* has the stages v1-only, dark/],
    ['a diagnosis of a Service without its namespace', ['diagnose', '--service', 'x'], /-n: is needed with --service/],
    ['a diagnosis of a Service and a scenario', ['diagnose', 'x', '--service', 'y'], /--service: stands instead of/],
    ['a diagnosis of a namespace without a Service', ['diagnose', '-n', 'x'], /-n: goes with --service/],
    [
      'a diagnosis of calls from another namespace',
      ['diagnose', '--service', 'x', '-n', 'y', '--from', 'edge.istio-system'],
      /--from: found "edge\.istio-system"; allowed is a workload in the namespace of the Service(.|\n)*a gateway of its own/,
    ],
    [
      'a diagnosis that expects more than all',
      ['diagnose', '--expect', 'v1=80%', '--expect', 'v2=30%'],
      /--expect: the shares make 110 % together/,
    ],
    ['a lab before a stage that is not there', ['lab', '--before-stage', 'x'], /--before-stage: .* has no stage "x"/],
    [
      'a lab with files of its own before a stage',
      ['lab', '-f', 'x', '--before-stage', 'even'],
      /--before-stage: the files of -f replace/,
    ],
    ['a lab with a file that is not there', ['lab', '-f', 'nowhere.yaml'], /nowhere\.yaml/],
    ['a port that is none', ['lab', '--port-api', '70000'], /--port-api.*0 to 65535/],
    [
      'a port of an API server of its own for a lab that follows another',
      ['lab', '--kubeconfig', 'x', '--port-api', '6443'],
      /--port-api: the lab has no API server of its own/,
    ],
    [
      'a duration without its unit',
      ['lab', '--propagation', '300'],
      /--propagation: found "300"; a duration such as 500ms or 2s/,
    ],
    ['a scenario that is not there', ['run', 'nowhere'], /nowhere/],
    ['a report of a run that is not there', ['report', 'nowhere'], /no run nowhere/],
  ])('%s', async (_sentence, args, expected) => {
    const { code, stdout, stderr } = await say(args);
    expect(stderr).toMatch(expected);
    expect(stdout).toBe('');
    expect(code).toBe(3);
  });
});

it('a verification of a scenario without a calling workload is refused: nobody could tell', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'uris.txt'), '/\n');
  writeFileSync(
    join(dir, 'scenario.yaml'),
    'name: a\nnamespace: a\nservice: a\nversions: {v1: {version: v1}, v2: {version: v2}}\nmarker: {uri: /*, v2: new}\nload: {uris: uris.txt}\nstages: [{name: s, expect: {share: {v2: 50%}}}]\n',
  );
  const { code, stderr } = await say(['verify', '.', '--stage', 's'], { cwd: dir });
  expect(stderr).toMatch(/scenario\.yaml: from: is needed here: where others send, only the proxy/);
  expect(code).toBe(3);
});

describe('an environment that refuses, with exit code 4 and nothing on stdout', () => {
  it('a kubeconfig that is not there is named, with the remedy', async () => {
    const { code, stdout, stderr } = await say(['run', '--target', 'cluster', '--kubeconfig', '/nowhere/kubeconfig'], {
      cwd: folder(),
    });
    expect(stderr).toMatch(
      /^E_KUBECONFIG: cannot read the kubeconfig \/nowhere\/kubeconfig: ENOENT.*\n +give its path with --kubeconfig/,
    );
    expect([code, stdout]).toEqual([4, '']);
  });

  it('a kubeconfig that is no YAML is named', async () => {
    const dir = folder();
    const kubeconfig = join(dir, 'kubeconfig');
    writeFileSync(kubeconfig, '{{{');
    const { code, stderr } = await say(['run', '--target', 'cluster', '--kubeconfig', kubeconfig], { cwd: dir });
    expect(stderr).toMatch(/^E_KUBECONFIG: cannot read the kubeconfig .*kubeconfig/);
    expect(code).toBe(4);
  });

  it('an API server that is not there is named with its context', async () => {
    const dir = folder();
    const kubeconfig = join(dir, 'kubeconfig');
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'u', user: {} }],
        contexts: [{ name: 'far', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'far',
      }),
    );
    const commands = [
      ['run', '--target', 'cluster'],
      ['verify', '--stage', 'canary'],
      ['diagnose', '--stage', 'canary'],
      ['restore'],
    ];
    for (const args of commands) {
      const { code, stdout, stderr } = await say([...args, '--kubeconfig', kubeconfig], { cwd: dir });
      expect(stderr).toMatch(
        /^E_CLUSTER: the Kubernetes API server https:\/\/127\.0\.0\.1:1 \(context far\) does not answer: .*ECONNREFUSED.*\n +try `kubectl version`/,
      );
      expect([code, stdout]).toEqual([4, '']);
    }
    const { code, stderr } = await say(['restore', '--kubeconfig', kubeconfig, '--context', 'near'], { cwd: dir });
    expect(stderr).toMatch(/^E_KUBECONFIG: the kubeconfig has no context near\n +it has: far/);
    expect(code).toBe(4);
  });

  it('a reports folder that cannot be made is named at once', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), '');
    const { code, stdout, stderr } = await say(['run', '--reports', 'file/reports'], { cwd: dir });
    expect(stderr).toMatch(/^E_REPORTS_NOT_WRITABLE: cannot write .*file\/reports: ENOTDIR.*\n +.*--reports DIR/);
    expect([code, stdout]).toEqual([4, '']);
  });

  it.each(['--port-api', '--port-base', '--port-prometheus', '--port-kiali'])(
    'a taken port of the lab is named (%s)',
    async (option) => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void taken.close());
      const { port } = taken.address() as { port: number };
      const { code, stdout, stderr } = await say(['lab', option, String(port)]);
      expect(stderr).toMatch(new RegExp(`^E_PORT(_TAKEN)?: .*\\b${port}\\b.*\\n +[Cc]hoose another`));
      expect([code, stdout]).toEqual([4, '']);
    },
  );

  it.each([
    ['is not there', undefined, /E_TOKEN: cannot read the token file/],
    ['is empty', ' \n', /E_TOKEN: the token file .* is empty/],
    ['holds more than a token', 'token: abc\nuser: x\n', /E_TOKEN: the token file .* more than one word/],
  ])('a token file that %s is refused and never printed', async (_sentence, text, expected) => {
    const dir = folder();
    const file = join(dir, 'token');
    if (text !== undefined) writeFileSync(file, text);
    const { credentials } = await import('../../src/cli/options.js');
    expect(() => credentials({ kialiTokenFile: file }, { env: {} } as never)).toThrow(
      expect.objectContaining({ exitCode: 4 }),
    );
    try {
      credentials({ kialiTokenFile: file }, { env: {} } as never);
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      expect(`${code}: ${message}`).toMatch(expected);
      expect(message).not.toContain('abc');
    }
  });
});
