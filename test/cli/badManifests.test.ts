import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { say } from '../support/io.js';
import { Folders, SMALL } from '../support/scenario.js';

/** A variable, so that it is not taken for a program of a package. */
const MAKE_PIPE = 'mkfifo';
const folders = new Folders();
afterAll(() => folders.remove());

/** A lab that is stopped as soon as it is up. */
const STOPPED = AbortSignal.abort('SIGINT');

/** Every command that reads somebody's manifests, on `place`; `run` by a scenario that names it. */
const commands = (place: string): Readonly<Record<string, readonly string[]>> => ({
  explain: ['explain', '-f', place, '--from', 'web.demo', '--to', 'shop'],
  init: ['init', '-f', place],
  lab: ['lab', '-f', place],
  run: ['run', 'scenario.yaml'],
});
const naming = (place: string) => ({
  ...SMALL,
  'scenario.yaml': (SMALL['scenario.yaml'] ?? '').replace('objects: [app]', `objects: [app, ${place}]`),
});

/** Neither a stack trace nor a word that it is weighbridge's own fault. */
const STACK = /\n\s+at |E_HARNESS/;

const service = (port: number) =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {selector: {app: cart}, ports: [{name: http, port: ${port}}]}\n`;
const BOMB = `a0: &a0 [x, x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}\n`;

describe('a bad manifest ends every command with exit code 3, its file, its line and the remedy', () => {
  it.each<[sentence: string, make: (path: string) => void, stderr: RegExp]>([
    [
      'YAML that is not Kubernetes',
      (path) => writeFileSync(path, '# compose\nservices:\n  a: {image: b}\n'),
      /^bad\.yaml:2:1: apiVersion: is missing; needed is one such as v1/m,
    ],
    ['text', (path) => writeFileSync(path, 'hello\n'), /^bad\.yaml:1:1: found "hello"; allowed is an object with/m],
    ['nothing', (path) => writeFileSync(path, ''), /^bad\.yaml:1: holds no object\n {4}write one/m],
    ['comments', (path) => writeFileSync(path, '# a\n---\n---\n'), /^bad\.yaml:1: holds no object/m],
    [
      '50 MB',
      (path) => writeFileSync(path, Buffer.alloc(50_000_000, 'a: b\n')),
      /^bad\.yaml: is larger than 4194304 bytes, the most that is read\n {4}split it/m,
    ],
    [
      'aliases that explode',
      (path) => writeFileSync(path, BOMB),
      /^bad\.yaml:2:10: its aliases \(\*name\) stand for more than is read\n {4}write out/m,
    ],
    [
      'brackets without end',
      (path) => writeFileSync(path, `a:\n  ${'['.repeat(100_000)}`),
      /^bad\.yaml:2: nests deeper than 64 levels\n {4}check brackets/m,
    ],
    [
      'a Helm template',
      (path) => writeFileSync(path, 'apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n'),
      /^bad\.yaml:4: is a template .*\n {4}render it first: helm template/m,
    ],
    [
      'a binary file',
      (path) => writeFileSync(path, Buffer.from([10, 0xff, 0xfe, 0])),
      /^bad\.yaml:2: is not UTF-8 text/m,
    ],
    ['broken YAML', (path) => writeFileSync(path, 'kind: Service\nmetadata: [}\n'), /^bad\.yaml:2:\d+: /m],
    [
      'an object without a name',
      (path) => writeFileSync(path, 'apiVersion: v1\nkind: Pod\nmetadata: 7\n'),
      /^bad\.yaml:3:11: metadata\.name: is missing/m,
    ],
    [
      'a kind that is misspelt',
      (path) => writeFileSync(path, 'apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: a}\n'),
      /^bad\.yaml:2:7: kind: .*no kind "Deploymnet"\n {4}did you mean "Deployment"/m,
    ],
    [
      '50 MB in a folder',
      (path) => {
        mkdirSync(path);
        for (let i = 0; i < 13; i++) writeFileSync(join(path, `${i}.yaml`), Buffer.alloc(4_000_000, 'a: b\n'));
      },
      /^bad\.yaml: holds 52000000 bytes of manifests; at most 16777216 are read\n {4}name the files/m,
    ],
    ['an empty folder', (path) => mkdirSync(path), /^bad\.yaml: is a folder without \*\.yaml.*\n {4}name a file/m],
    [
      'a folder that holds itself',
      (path) => {
        mkdirSync(path);
        symlinkSync('.', join(path, 'again'));
      },
      /^bad\.yaml: is a folder without \*\.yaml/m,
    ],
    ['a link to itself', (path) => symlinkSync('bad.yaml', path), /bad\.yaml: is a circle of symbolic links/m],
    ['a pipe', (path) => void execFileSync(MAKE_PIPE, [path]), /^bad\.yaml: is no regular file\n {4}name a text file/m],
  ])('%s', async (_sentence, make, stderr) => {
    const cwd = folders.make(naming('bad.yaml'));
    make(join(cwd, 'bad.yaml'));
    for (const [name, args] of Object.entries(commands('bad.yaml'))) {
      const said = await say(args, { cwd, signal: STOPPED });
      expect(said.stderr, name).toMatch(stderr);
      expect(said.stderr, name).toMatch(/\n\n\d+ problems?\n$/);
      expect(said.stderr, name).not.toMatch(STACK);
      expect([said.code, said.stdout], name).toEqual([3, '']);
    }
  });

  it.skipIf(process.getuid?.() === 0)('a file that may not be read', async () => {
    const cwd = folders.make(naming('bad.yaml'));
    writeFileSync(join(cwd, 'bad.yaml'), service(80));
    chmodSync(join(cwd, 'bad.yaml'), 0);
    for (const args of Object.values(commands('bad.yaml'))) {
      const { code, stderr } = await say(args, { cwd, signal: STOPPED });
      expect([code, stderr]).toEqual([3, expect.stringContaining('bad.yaml: may not be read (permission denied)')]);
    }
  });

  it('nothing on standard input', async () => {
    const cwd = folders.make({});
    for (const name of ['explain', 'init', 'lab']) {
      const { code, stderr } = await say(commands('-')[name] ?? [], { cwd, signal: STOPPED });
      expect([code, stderr]).toEqual([
        3,
        expect.stringMatching(/^standard input: holds no object\n {4}pipe manifests/),
      ]);
    }
  });

  it('a folder of strangers is nothing for a lab', async () => {
    const cwd = folders.make({ 'm/x.yaml': 'a: b\n' });
    expect(await say(['lab', '-f', 'm'], { cwd, signal: STOPPED })).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /^m: hold no object that the lab could play\n {4}left out: m\/x\.yaml:1: is no Kubernetes/,
      ),
    });
  });

  it('of a folder of folders those with manifests are named', async () => {
    const cwd = folders.make({
      'all/kube/a.yaml': service(80),
      'all/deep/er/b.yaml': service(80),
      'all/src/c.txt': '',
    });
    for (const name of ['explain', 'init', 'lab']) {
      const { code, stderr } = await say(commands('all')[name] ?? [], { cwd, signal: STOPPED });
      expect([code, stderr]).toEqual([
        3,
        expect.stringContaining('    name those that are meant: all/kube, all/deep/er\n'),
      ]);
    }
  });
});

describe('what is in a folder beside good objects', () => {
  const lab = (files: Record<string, string>) =>
    say(['lab', '-f', 'm'], { cwd: folders.make({ 'm/good.yaml': service(80), ...files }), signal: STOPPED });

  it.each([
    ['no Kubernetes object', 'services: {a: {image: b}}\n', /^left out: m\/x\.yaml:1: is no Kubernetes object/m],
    [
      'a Helm template',
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n',
      /^left out: m\/x\.yaml:4: is a template .*helm template/m,
    ],
    [
      'the configuration of a tool, written like an object',
      'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {}\n',
      /^left out: m\/x\.yaml:1: is no Kubernetes object/m,
    ],
    [
      'custom resources of strangers',
      `---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n`,
      /^left out: m\/x\.yaml:2: Widget w, the lab has no example\.com\/v1 Widget$/m,
    ],
    [
      'another object of the same name',
      service(81),
      /^several that differ, of which the last one counts.*: Service\/default\/cart \(2, the last in m\/x\.yaml:1\)\n {4}where they are alternatives, name the files/m,
    ],
  ])('%s: the lab starts without it and says so', async (_, text, line) => {
    const { code, stdout, stderr } = await lab({ 'm/x.yaml': text });
    expect(stderr).toMatch(line);
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ baseUrl: expect.any(String) })]);
  });

  it('a Gateway that no workload serves is said', async () => {
    const gateway = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: way}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
`;
    const { code, stderr } = await lab({ 'm/x.yaml': gateway });
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^no gateway: no workload here serves Gateway\/default\/way,/m),
    ]);
  });

  it('--entry names a Service of the objects', async () => {
    const at = (entry: string) =>
      say(['lab', '-f', 'm', '--entry', entry], { cwd: folders.make({ 'm/good.yaml': service(80) }), signal: STOPPED });
    expect(await at('cart.default:80')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('baseUrl leads to Service default/cart:80'),
    });
    expect(await at('kart')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('--entry: no Service is "kart"\n    there are cart.default:80\n'),
    });
  });

  it('fields that nothing reads are told by the lab and by init', async () => {
    const typo = service(80).replace('name: http,', 'name: http, appProtocl: http,');
    const told =
      /^m\/x\.yaml:4: spec\.ports\[0\]\.appProtocl: No such field is known: .*Did you mean "appProtocol"\?$/m;
    expect((await lab({ 'm/x.yaml': typo })).stderr).toMatch(told);
    const { stderr } = await say(['init', '-f', 'm'], { cwd: folders.make({ 'm/x.yaml': typo }) });
    expect(stderr).toMatch(told);
  });

  it('plan and run tell them of the manifests of a scenario, and end where a type is wrong', async () => {
    const plan = (manifest: string) =>
      say(['plan', 'scenario.yaml'], { cwd: folders.make({ ...naming('m'), 'm/x.yaml': manifest }) });
    expect(await plan(service(80).replace('name: http,', 'name: http, appProtocl: http,'))).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^m\/x\.yaml:4: spec\.ports\[0\]\.appProtocl: No such field/m),
    });
    expect(await plan(service(80).replace('port: 80', 'port: "80"'))).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^m\/x\.yaml:4: spec\.ports\[0\]\.port: found a string; allowed is an integer/m),
    });
  });

  it('the same object twice needs no word', async () => {
    expect(await lab({ 'm/x.yaml': service(80) })).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('several'),
    });
  });

  it('what the API server refuses ends the lab with exit code 3, file and line of each', async () => {
    const deployment =
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: b}}\n    spec: {containers: [{name: c, image: i}]}\n';
    const { code, stdout, stderr } = await lab({
      'm/d.yaml': deployment,
      'm/s.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  ports: []\n',
    });
    expect(stderr).toMatch(
      /^m\/d\.yaml:7: Deployment\/default\/d: the lab's API server refuses it: .*selector.*\n {4}a cluster would refuse it as well/m,
    );
    expect(stderr).toMatch(/^m\/s\.yaml:5: Service\/default\/s: /m);
    expect(stderr).not.toMatch(STACK);
    expect([code, stdout]).toEqual([3, '']);
  });

  it('twins in a scenario are two places of a problem', async () => {
    const cwd = folders.make({ ...naming('m'), 'm/a.yaml': service(80), 'm/b.yaml': service(81) });
    const { code, stderr } = await say(['run', 'scenario.yaml'], { cwd });
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/Service\/demo\/cart is there twice, at m\/a\.yaml:1 and m\/b\.yaml:1\n {4}.*drop one/),
    ]);
  });
});
