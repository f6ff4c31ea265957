import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError, type Problem } from '../../src/base/errors.js';
import { loadScenario } from '../../src/scenario/load.js';

const deployment = (name: string, app: string, version: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${app}, version: ${version}}}
  template:
    metadata: {labels: {app: ${app}, version: ${version}}}
    spec: {containers: [{name: app, image: example.com/${app}}]}
`;
const service = (name: string) => `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 80}]}
`;

/** A small scenario without problems; tests replace or add files. */
export const SMALL: Readonly<Record<string, string>> = {
  'scenario.yaml': `name: shop-canary
namespace: demo
service: shop
from: web
versions:
  v1: {version: v1}
  v2: {version: v2}
marker: {uri: /items/*, v2: NEW, failed: sorry}
load:
  uris: uris.txt
  users: 10
  thinkTime: 50ms
stages:
  - name: canary
    apply: [rule.yaml]
    expect: {share: {v2: 10%}}
  - name: even
    delete: [VirtualService/shop]
    expect: {share: {v2: 50%, by: balancing}}
    precision: {margin: 5%}
lab:
  objects: [app]
`,
  'uris.txt': '/\n/items/1\n',
  'app/web.yaml': `${service('web')}---\n${deployment('web', 'web', 'v1')}`,
  'app/shop.yaml': [service('shop'), deployment('shop-v1', 'shop', 'v1'), deployment('shop-v2', 'shop', 'v2')].join(
    '---\n',
  ),
  'rule.yaml': `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
spec:
  hosts: [shop]
  http:
    - route:
        - destination: {host: shop, subset: v1}
          weight: 90
        - destination: {host: shop, subset: v2}
          weight: 10
`,
};

/** Folders that live as long as a test file. */
export class Folders {
  private readonly made: string[] = [];

  /** @returns a fresh folder with these files; undefined leaves a file out. */
  make(files: Readonly<Record<string, string | Uint8Array | undefined>>): string {
    const folder = mkdtempSync(path.join(tmpdir(), 'weighbridge-scenario-'));
    this.made.push(folder);
    for (const [name, text] of Object.entries(files)) {
      if (text === undefined) continue;
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
    return folder;
  }

  /** @returns a fresh folder with a copy of the Pitstop scenario, its URI list and schema as in the package. */
  pitstop(): string {
    const folder = this.make({});
    for (const part of ['scenarios/pitstop', 'uris', 'schema'])
      cpSync(part, path.join(folder, part), { recursive: true });
    return folder;
  }

  remove(): void {
    for (const folder of this.made) rmSync(folder, { recursive: true, force: true });
  }
}

/** The problems of the scenario in a folder; none when it loads. Anything thrown but a ConfigError goes through. */
export async function problemsOf(folder: string, file = 'scenario.yaml'): Promise<readonly Problem[]> {
  try {
    await loadScenario(file, { cwd: folder });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** `file:line: path: message (hint)`, what tests compare. */
export const said = (p: Problem): string =>
  `${p.file}:${p.line ?? '-'}: ${p.path ? `${p.path}: ` : ''}${p.message}${p.hint ? ` (${p.hint})` : ''}`;
