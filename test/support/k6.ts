import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';

/** What the stand-in does with a script: the script is this, as JSON. */
export interface StandInScript {
  readonly maxVUs?: number;
  /** `k6 inspect` fails with this message. */
  readonly throws?: string;
  /** Exit code of `k6 run`; undefined: it runs until it is stopped. */
  readonly exit?: number;
  /** Printed at the end. */
  readonly prints?: string;
}

const PROGRAM = `#!${process.execPath}
const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const args = process.argv.slice(2);
const at = args.findIndex((word) => word.endsWith('/test/script.js') && !word.includes('='));
const script = JSON.parse(readFileSync(args[at], 'utf8'));
console.log('ARGS ' + JSON.stringify(args));
console.log('ENV ' + JSON.stringify(process.env));
console.log('CONFIG ' + readFileSync(args[args.indexOf('--config') + 1], 'utf8'));
if (args.includes('inspect')) {
  if (script.throws) {
    console.error('time="x" level=error msg="' + script.throws + '"');
    process.exit(107);
  }
  console.log(JSON.stringify({ maxVUs: script.maxVUs ?? 10 }));
  process.exit(0);
}
const end = (code) => {
  if (script.prints) console.log(script.prints);
  process.exit(code);
};
process.on('SIGTERM', () => end(105));
const address = args.find((word) => word.startsWith('--address=')).slice('--address='.length);
createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  response.end('{}', () => {
    if (request.method !== 'PATCH') return;
    if (JSON.parse(body).data.attributes.stopped) end(103);
    if (script.exit !== undefined) end(script.exit);
  });
}).listen(Number(address.split(':')[1]), '127.0.0.1');
`;

/** A program that takes the part of k6's command line that the operator uses; gone when the test ends. @returns its path */
export function standInK6(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weighbridge-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'k6');
  writeFileSync(file, PROGRAM);
  chmodSync(file, 0o755);
  return file;
}

/** A namespace, a ConfigMap with the script and a TestRun over it. */
export function testRunOf(script: StandInScript, spec: Record<string, unknown> = {}): KubeObject[] {
  const metadata = { name: 'load', namespace: 'load' };
  const env = [{ name: 'PLAN', value: '/test/plan.json' }];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'load' } },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: { 'script.js': JSON.stringify(script), 'plan.json': '{}' },
    },
    {
      apiVersion: 'k6.io/v1alpha1',
      kind: 'TestRun',
      metadata,
      spec: {
        parallelism: 2,
        script: { configMap: { name: 'load', file: 'script.js' } },
        arguments: '--tag testid=$(ID) --out x',
        runner: { image: 'grafana/k6:1.1.0', env: [{ name: 'ID', value: 'r1' }, ...env] },
        ...spec,
      },
    },
  ];
}
