import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { ASK, deployment, document, explain, FILES, folder } from '../support/explain.js';
import { split, virtualService } from '../support/mesh.js';

describe('what cannot be answered', () => {
  it('an unknown host passes through, with the nearest name', async () => {
    const { protocol, share, warnings } = await document(
      folder(FILES),
      '-f',
      'm',
      '--from',
      'client.demo',
      '--to',
      'shpo:80',
    );
    expect([protocol, share]).toEqual(['passthrough', { unknown: 1 }]);
    expect(warnings).toMatchObject([{ code: 'HOST_UNKNOWN', message: expect.stringContaining('Did you mean shop?') }]);
  });
  it('a port that the Service lacks is refused', async () => {
    const { failed, warnings } = await document(folder(FILES), '-f', 'm', '--from', 'client.demo', '--to', 'shop:81');
    expect(failed).toEqual({ '000 refused': 1 });
    expect(warnings).toMatchObject([{ code: 'NOT_ROUTED', message: expect.stringContaining('the ports 80') }]);
  });
  it('an unknown caller is a warning, with the nearest name', async () => {
    const { warnings, share } = await document(folder(FILES), '-f', 'm', '--from', 'clint.demo', '--to', 'shop');
    expect(share).toEqual({ v1: 0.9, v2: 0.1 });
    expect(warnings).toMatchObject([
      { code: 'CALLER_UNKNOWN', message: expect.stringContaining('Did you mean client.demo?') },
    ]);
  });
  it('a caller without sidecar is a warning', async () => {
    const bare = deployment('client', '', ', annotations: {sidecar.istio.io/inject: "false"}');
    const { warnings } = await document(
      folder({
        ...FILES,
        'm/client.yaml': bare,
        'm/apps.yaml': [deployment('shop-v1', 'v1'), deployment('shop-v2', 'v2')].join('---'),
      }),
      ...ASK,
    );
    expect(warnings).toMatchObject([{ code: 'CALLER_WITHOUT_SIDECAR' }]);
  });

  const problemsOf = async (dir: string, ...args: string[]): Promise<string[]> => {
    const error = await explain(dir, ...args).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${String(error)}`);
    expect(error.exitCode).toBe(3);
    return error.message.split('\n');
  };
  it('all problems of all files are said at once, with file and line', async () => {
    const dir = folder({
      'a.yaml': 'kind: Service\n\tx: 1\n',
      'b.yaml': virtualService(split(-1, 10)),
      'c.yaml': '- 1\n',
    });
    const problems = await problemsOf(
      dir,
      '-f',
      'a.yaml',
      '-f',
      'b.yaml',
      '-f',
      'c.yaml',
      '-f',
      'd.yaml',
      '--from',
      'x.y',
      '--to',
      'z',
    );
    const text = problems.join('\n');
    for (const place of [
      /^a\.yaml:2:/m,
      /^b\.yaml:\d+:\d+: spec\.http\[0\]\.route\[0\]\.weight: found -1/m,
      /^c\.yaml:1:/m,
      /^d\.yaml: no such file/m,
    ]) {
      expect(text).toMatch(place);
    }
  });
  it.each([
    ['a caller without namespace', ['--from', 'client', '--to', 'shop'], '--from: found "client"'],
    ['a host with a path', ['--from', 'a.b', '--to', 'http://shop/x'], '--to: found "http://shop/x"'],
    ['a port out of range', ['--from', 'a.b', '--to', 'shop:70000'], '--to: found "shop:70000"'],
    ['a header without value', ['--from', 'a.b', '--to', 'shop', '--header', 'x'], '--header: found "x"'],
    ['a relative path', ['--from', 'a.b', '--to', 'shop', '--path', 'x'], '--path: found "x"'],
  ])('%s is refused', async (_says, args, start) => {
    expect((await problemsOf(folder(FILES), '-f', 'm', ...args))[0]).toContain(start);
  });
  it('--from is required', async () => {
    await expect(explain(folder(FILES), '-f', 'm', '--to', 'c')).rejects.toMatchObject({
      code: 'commander.missingMandatoryOptionValue',
    });
  });
  it.each([
    ['no manifests and no cluster', ['--from', 'a.b', '--to', 'c'], '--filename: no manifests are named'],
    ['no host', ['-f', 'm', '--from', 'a.b'], '--to: is missing'],
    [
      'expectations of every host',
      ['-f', 'm', '--diff', 'm', '--from', 'a.b', '--expect', 'v2=1%'],
      '--expect: needs --to',
    ],
    [
      'a share that is none',
      ['-f', 'm', '--from', 'a.b', '--to', 'c', '--expect', 'v2=110%'],
      '--expect: found "v2=110%"',
    ],
    ['standard input twice', ['-f', '-', '--diff', '-', '--from', 'a.b'], '--filename: standard input'],
  ])('%s is refused', async (_says, args, start) => {
    expect((await problemsOf(folder(FILES), ...args))[0]).toContain(start);
  });
});
