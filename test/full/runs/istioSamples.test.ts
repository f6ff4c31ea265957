import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { start, type Workspace, weighbridge, workspace } from '../../support/cli.js';
import { compared } from '../../support/comparisons.js';
import { expectTenFails, expectTwentyPasses, REVIEWS, runOwn, runReviews } from '../../support/ownRun.js';
import { findPeer } from '../../support/peers.js';
import { eventually } from '../../support/poll.js';

const samples = findPeer('istio-samples');

const NETWORKING = 'bookinfo/networking';
const BOOKINFO = [
  'bookinfo/platform/kube/bookinfo.yaml',
  `${NETWORKING}/destination-rule-all.yaml`,
  `${NETWORKING}/virtual-service-reviews-80-20.yaml`,
];
const INJECTED = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: enabled}}\n';
const ASK = ['--from', 'productpage-v1.default', '--to', 'reviews:9080'];

/** A user's folder `shop` with files of Istio's. */
function brought(...files: readonly string[]): Workspace {
  const space = workspace();
  mkdirSync(join(space.dir, 'shop'));
  for (const file of files)
    cpSync(join(samples ?? '', file), join(space.dir, 'shop', basename(file)), { recursive: true });
  compared('istio-samples', files.length);
  return space;
}

const injected = (space: Workspace): Workspace => {
  writeFileSync(join(space.dir, 'shop/namespace.yaml'), INJECTED);
  return space;
};

/** A lab that plays the folder, and what it said. */
async function lab(space: Workspace) {
  const running = start(['lab', '-f', 'shop', '--seed', '5'], space.dir);
  // Two streams: neither waits for the other.
  await running.printed(/^\{.*\}$/m);
  await running.printed(/Ctrl-C stops it/);
  const { baseUrl } = JSON.parse(running.stdout().split('\n')[0] ?? '') as { baseUrl: string };
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const signal = AbortSignal.timeout(5000);
    const response = await fetch(baseUrl + path, { headers: { connection: 'close', ...headers }, signal });
    return { status: response.status, body: (await response.json()) as Answer };
  };
  const stop = async () => {
    running.child.kill('SIGTERM');
    return (await running.finished).stderr;
  };
  return { ask, stop };
}

interface Answer {
  readonly app: string;
  readonly version: string;
  readonly calls?: readonly {
    readonly url: string;
    readonly by?: { readonly app: string; readonly version: string };
  }[];
}

describe.runIf(samples)("Istio's book shop, as its files are", () => {
  it('explain tells the share of each version', async () => {
    const { dir } = brought(...BOOKINFO);
    const { code, stdout } = await weighbridge(['explain', '-f', 'shop', ...ASK, '--json'], dir);
    expect(JSON.parse(stdout)).toMatchObject({ share: { v1: 0.8, v2: 0.2 }, failed: {}, warnings: [] });
    expect(code).toBe(0);
  });

  it('its folder of alternatives: explain says which one counts, init asks for the one that is meant', async () => {
    const { dir } = brought('bookinfo/platform/kube/bookinfo.yaml', NETWORKING);
    const files = ['-f', 'shop', '-f', 'shop/networking'];
    const told = JSON.parse((await weighbridge(['explain', ...files, ...ASK, '--json'], dir)).stdout);
    expect(told.warnings).toContainEqual(
      expect.objectContaining({
        code: 'DEFINED_TWICE',
        object: 'VirtualService/default/reviews',
        file: 'shop/networking/virtual-service-reviews-v3.yaml',
      }),
    );
    const asked = await weighbridge(['init', ...files], dir);
    expect(asked.code).toBe(3);
    expect(asked.stderr).toMatch(
      /-f: 11 different VirtualService\/default\/reviews: .*virtual-service-reviews-80-20\.yaml:1.*\n {4}name the one that is meant/,
    );
  });

  it('the lab without a word on sidecars says what that means and what to do', async () => {
    const { ask, stop } = await lab(brought(...BOOKINFO));
    await eventually(async () => expect((await ask('/productpage')).body.app).toBe('productpage'));
    expect(await stop()).toMatch(
      /no sidecar: details-v1, ratings-v1, reviews-v1 and 3 more in namespace default: .*\n.*kubectl label namespace default istio-injection=enabled/,
    );
  });

  it('the lab plays its pages and calls, split as the weights say', async () => {
    const { ask, stop } = await lab(injected(brought(...BOOKINFO, `${NETWORKING}/bookinfo-gateway.yaml`)));
    await eventually(async () => expect((await ask('/productpage')).status).toBe(200));
    const seen: Record<string, number> = {};
    for (let i = 0; i < 500; i++) {
      const { body } = await ask('/productpage');
      const { version = '' } = body.calls?.find(({ url }) => url.includes('reviews'))?.by ?? {};
      seen[version] = (seen[version] ?? 0) + 1;
    }
    expect(Object.keys(seen).sort()).toEqual(['v1', 'v2']);
    // Five standard deviations of a fifth of 500.
    expect(Math.abs((seen.v2 ?? 0) - 100)).toBeLessThan(45);
    expect(await stop()).not.toMatch(/no sidecar|left out|E_/);
  });

  it('a route for one user applies behind the page, as the page hands the user on', async () => {
    const rule = `${NETWORKING}/virtual-service-reviews-jason-v2-v3.yaml`;
    const { ask, stop } = await lab(injected(brought(...BOOKINFO.slice(0, 2), rule)));
    const version = async (headers?: Record<string, string>) => {
      const { body } = await ask('/productpage', headers);
      return body.calls?.find(({ url }) => url.includes('reviews'))?.by?.version;
    };
    await eventually(async () => expect(await version()).toBe('v3'));
    expect(await version({ 'end-user': 'jason' })).toBe('v2');
    await stop();
  });

  const scaffolded = async () => {
    const space = injected(brought(...BOOKINFO));
    expect(await weighbridge(['init', '-f', 'shop'], space.dir)).toMatchObject({ code: 0, stderr: '' });
    return space;
  };
  it('80/20 declared of 80/20 objects passes', async () => expectTwentyPasses(await scaffolded()));
  it('90/10 declared of 80/20 objects fails with the field', async () => expectTenFails(await scaffolded()));
  it('the whole release that init proposes passes', async () => {
    const { code, report, stderr } = await runReviews(await scaffolded());
    expect(code, stderr).toBe(0);
    expect(report.load).toMatchObject({ failed: 0, errors: {} });
    expect(report.stages.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'present pass',
      'to-50 pass',
      'to-100 pass',
    ]);
    expect(stderr).toContain(REVIEWS.split('/')[1] ?? '');
  });
});

describe.runIf(samples)("Istio's smaller samples", () => {
  it('helloworld: both versions answer', async () => {
    const space = injected(brought('helloworld/helloworld.yaml', 'helloworld/helloworld-gateway.yaml'));
    const ask = ['explain', '-f', 'shop', '-n', 'default', '--gateway', '--from', 'istio-ingressgateway.istio-system'];
    const told = await weighbridge([...ask, '--to', 'any.example:80', '--path', '/hello', '--json'], space.dir);
    expect(JSON.parse(told.stdout).share).toEqual({ v1: 0.5, v2: 0.5 });
    const { ask: get, stop } = await lab(space);
    const seen = new Set<string>();
    await eventually(async () => {
      seen.add((await get('/hello')).body.version);
      expect([...seen].sort()).toEqual(['v1', 'v2']);
    });
    await stop();
  });

  const GATEWAY_API = [
    'helloworld/gateway-api/helloworld-gateway.yaml',
    'helloworld/gateway-api/helloworld-versions.yaml',
  ];
  it.each([
    ["a gateway of Istio's", ['helloworld/helloworld-gateway.yaml'], 'istio-ingressgateway'],
    ['a Gateway of the Gateway API', GATEWAY_API, 'helloworld-gateway-istio'],
  ])('helloworld behind %s: stages that init proposes pass', async (_, files, from) => {
    const space = injected(brought('helloworld/helloworld.yaml', ...files));
    expect(await weighbridge(['init', '-f', 'shop'], space.dir)).toMatchObject({ code: 0, stderr: '' });
    const { code, report, stderr } = await runOwn(
      space,
      'scenarios/helloworld-canary',
      '--stage',
      'present',
      '--stage',
      'to-10',
    );
    expect(code, stderr).toBe(0);
    expect(report.load).toMatchObject({ failed: 0, errors: {} });
    expect(report.stages.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(['present pass', 'to-10 pass']);
    expect(readFileSync(join(space.dir, 'scenarios/helloworld-canary/scenario.yaml'), 'utf8')).toContain(
      `from: ${from}\n`,
    );
  });

  it('httpbin answers with what it was asked', async () => {
    const { ask, stop } = await lab(injected(brought('httpbin/httpbin.yaml', 'httpbin/httpbin-gateway.yaml')));
    await eventually(async () =>
      expect(await ask('/get?x=1')).toMatchObject({
        status: 200,
        body: { app: 'httpbin', method: 'GET', path: '/get' },
      }),
    );
    await stop();
  });
});
