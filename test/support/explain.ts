import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, onTestFinished } from 'vitest';
import { explainCommand } from '../../src/cli/commands/explain.js';
import type { ExplainDocument } from '../../src/cli/explainDocument.js';
import type { Io } from '../../src/cli/io.js';
import { SERVICE, SUBSETS, split, virtualService } from './mesh.js';

export const deployment = (name: string, version: string, more = '') => `
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
export function folder(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-explain-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

export const explain = (cwd: string, ...args: string[]) => explainWith('', cwd, ...args);

/** With a text on standard input. */
export async function explainWith(stdin: string, cwd: string, ...args: string[]) {
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
    stdin: Readable.from([stdin]),
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

export const document = async (
  cwd: string,
  ...args: string[]
): Promise<ExplainDocument & { warnings: { file?: string; line?: number }[] }> => {
  const { stdout, stderr, code } = await explain(cwd, ...args, '--json');
  expect([stderr, code]).toEqual(['', 0]);
  return JSON.parse(stdout);
};

export const FILES = {
  'm/apps.yaml': [deployment('client', ''), deployment('shop-v1', 'v1'), deployment('shop-v2', 'v2')].join('---'),
  'm/mesh.yaml': [SUBSETS, virtualService(split(90, 10))].join('---'),
  'm/service.yaml': SERVICE,
};
export const ASK = ['-f', 'm', '--from', 'client.demo', '--to', 'shop:80'];
