import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { explainCommand } from '../../src/cli/commands/explain.js';
import type { ExplainDocument } from '../../src/cli/explainDocument.js';
import type { Io } from '../../src/cli/io.js';
import { SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';

const deployment = (name: string, version: string, more = '') => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: demo}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${version ? 'shop' : name}${version ? `, version: "${version}"` : ''}}${more}}
    spec: {containers: [{name: main, image: "example/main:1"}]}
`;

/** A folder with these files, removed when the test ends. */
function folder(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-explain-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

async function explain(cwd: string, ...args: string[]) {
  const written = { stdout: '', stderr: '', code: -1 };
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTTY: false,
    columns: 100,
    color: false,
  });
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: {},
    cwd,
    stdin: Readable.from([]),
    signal: new AbortController().signal,
    setExitCode: (code) => {
      written.code = code;
    },
  };
  await explainCommand(io)
    .exitOverride()
    .configureOutput({ writeErr: io.stderr.write })
    .parseAsync(args, { from: 'user' });
  return written;
}

const document = async (
  cwd: string,
  ...args: string[]
): Promise<ExplainDocument & { warnings: { file?: string; line?: number }[] }> => {
  const { stdout, stderr, code } = await explain(cwd, ...args, '--json');
  expect([stderr, code]).toEqual(['', 0]);
  return JSON.parse(stdout);
};

const FILES = {
  'm/apps.yaml': [deployment('client', ''), deployment('shop-v1', 'v1'), deployment('shop-v2', 'v2')].join('---'),
  'm/mesh.yaml': [SUBSETS, virtualService(split(90, 10))].join('---'),
  'm/service.yaml': SERVICE,
};
const ASK = ['-f', 'm', '--from', 'client.demo', '--to', 'shop:80'];

describe('the document', () => {
  it('holds what the contract promises', async () => {
    const dir = folder(FILES);
    expect(await document(dir, ...ASK)).toEqual({
      from: 'client.demo',
      to: 'shop:80',
      routes: [
        {
          name: 'http[0]',
          matches: [],
          destinations: [
            { host: 'shop.demo.svc.cluster.local', subset: 'v1', port: 80, weight: 90, endpoints: 1, exists: true },
            { host: 'shop.demo.svc.cluster.local', subset: 'v2', port: 80, weight: 10, endpoints: 1, exists: true },
          ],
          mirrors: [],
          fault: {},
          retries: {
            attempts: 2,
            retryOn: ['connect-failure', 'refused-stream', 'unavailable', 'cancelled', 'retriable-status-codes'],
            statusCodes: [],
            perTryTimeoutMs: 0,
          },
          timeoutMs: 0,
          field: 'spec.http[0]',
        },
      ],
      share: { v1: 0.9, v2: 0.1 },
      failed: {},
      mirrored: {},
      protocol: 'http',
      warnings: [],
      source: 'VirtualService/demo/shop',
      taken: 0,
    });
  });

  it('finds the port of a host that is given without one', async () => {
    const dir = folder(FILES);
    expect((await document(dir, '-f', 'm', '--from', 'client.demo', '--to', 'shop')).to).toBe('shop:80');
  });

  it('follows method, path and headers of the request', async () => {
    const rule = `[{match: [{method: {exact: POST}, uri: {prefix: /api}, headers: {x-canary: {exact: "1"}}}], route: [{destination: {host: shop, subset: v2}}]}, {route: [{destination: {host: shop, subset: v1}}], mirror: {host: shop, subset: v2}, mirrorPercentage: {value: 20}}]`;
    const dir = folder({ ...FILES, 'm/mesh.yaml': [SUBSETS, virtualService(rule)].join('---') });
    const plain = await document(dir, ...ASK);
    expect([plain.share, plain.mirrored, plain.taken]).toEqual([{ v1: 1 }, { v2: 0.2 }, 1]);
    const asked = await document(
      dir,
      ...ASK,
      '--method',
      'post',
      '--path',
      '/api/a?b=c',
      '--header',
      'X-Canary=1',
      '--header',
      'y=',
    );
    expect([asked.share, asked.mirrored, asked.taken]).toEqual([{ v2: 1 }, {}, 0]);
    expect(asked.routes[0]!.matches).toEqual(['header x-canary exact 1, method exact POST, path prefix /api']);
  });

  it('tells the versions apart by the label that is asked for', async () => {
    const dir = folder(FILES);
    expect((await document(dir, ...ASK, '--version-label', 'app')).share).toEqual({ shop: 1 });
    expect((await document(dir, ...ASK, '--version-label', 'nope')).share).toEqual({ unknown: 1 });
  });

  it('names file and line of the field that a warning is about', async () => {
    const pinned = SERVICE.replace('{app: shop}', '{app: shop, version: v1}');
    const dir = folder({ ...FILES, 'm/service.yaml': pinned });
    const { warnings, failed } = await document(dir, ...ASK);
    expect(failed).toEqual({ '503 UH': 0.1 });
    expect(warnings).toMatchObject([
      { code: 'SELECTOR_PINS_VERSION', field: 'spec.selector.version', file: join('m', 'service.yaml'), line: 5 },
    ]);
  });

  it('lets the last of two definitions count, and says so', async () => {
    const dir = folder({ ...FILES, 'later.yaml': virtualService(split(50, 50)) });
    const { share, warnings } = await document(
      dir,
      '-f',
      'm',
      '-f',
      'later.yaml',
      '--from',
      'client.demo',
      '--to',
      'shop',
    );
    expect(share).toEqual({ v1: 0.5, v2: 0.5 });
    expect(warnings).toMatchObject([{ code: 'DEFINED_TWICE', object: 'VirtualService/demo/shop', file: 'later.yaml' }]);
  });

  it('takes a List apart and gives objects without a namespace the one of the caller', async () => {
    const list = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'shop' },
          spec: { selector: { app: 'shop' }, ports: [{ name: 'http', port: 80 }] },
        },
      ],
    });
    const dir = folder({ ...FILES, 'm/service.yaml': list });
    expect((await document(dir, ...ASK)).share).toEqual({ v1: 0.9, v2: 0.1 });
  });

  it('routes for a gateway workload', async () => {
    const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: demo}
spec: {selector: {app: client}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}
`;
    const outside = virtualService(split(80, 20), { hosts: '[shop.example.com]', more: 'gateways: [gw]' });
    const dir = folder({ ...FILES, 'm/mesh.yaml': [SUBSETS, gateway, outside].join('---') });
    const { share, to } = await document(
      dir,
      '-f',
      'm',
      '--gateway',
      '--from',
      'client.demo',
      '--to',
      'shop.example.com',
    );
    expect([share, to]).toEqual([{ v1: 0.8, v2: 0.2 }, 'shop.example.com:8080']);
  });
});

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
      'b.yaml': virtualService(split(110, 10)),
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
      /^b\.yaml:\d+:\d+: spec\.http\[0\]\.route\[0\]\.weight: found 110/m,
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
  it('-f, --from and --to are required', async () => {
    await expect(explain(folder(FILES), '--from', 'a.b', '--to', 'c')).rejects.toMatchObject({
      code: 'commander.missingMandatoryOptionValue',
    });
  });
});

it('the table says for people where the requests go and what fails', async () => {
  const pinned = SERVICE.replace('{app: shop}', '{app: shop, version: v1}');
  const fault = virtualService(
    split(90, 10).replace('[{', '[{timeout: 3s, fault: {abort: {httpStatus: 418, percentage: {value: 50}}}, '),
  );
  const dir = folder({ ...FILES, 'm/service.yaml': pinned, 'm/mesh.yaml': [SUBSETS, fault].join('---') });
  const { stdout } = await explain(dir, ...ASK);
  expect(stdout).toBe(`client.demo → shop:80  routed as HTTP, request by request
routes of VirtualService/demo/shop

     matches        destination                        weight  share  ready
  1  every request  shop.demo.svc.cluster.local:80 v1  90      90 %   1
                    shop.demo.svc.cluster.local:80 v2  10      10 %   0
  1: 50 % aborted with 418; 2 retries on connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes; timeout 3000 ms

GET / goes
    v1      45 %
    418 FI  50 %  injected fault
    503 UH  5 %   no ready endpoint

1 warning
  SELECTOR_PINS_VERSION  Service/demo/shop spec.selector.version (m/service.yaml:5)
      The selector pins version: v1, so no pod of subset v2 (version: v2) is behind the Service; remove that label from the selector. Its share is answered 503 UH.
`);
});
