import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import type { StartPodProxy } from '../../../src/lab/control/podProxy.js';
import { type Count, contradictEachOther, contradictsShare, countOf } from '../../support/comparison.js';
import { compared } from '../../support/comparisons.js';
import { subsets, type TestPod, to, virtualService } from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';
import { envoySidecars, ownSidecars, realEnvoy } from '../../support/realEnvoy.js';
import { type Ledgers, ScrapedMesh } from '../../support/scrapedMesh.js';

const envoy = await realEnvoy();
const sidecars = envoy && envoySidecars(envoy);

const ok: RequestListener = (_request, response) => void response.end('ok');
const pod = (version: string, index = 1, app: TestPod['app'] = ok): TestPod => ({
  name: `shop-${version}-${index}`,
  version,
  sidecar: true,
  app,
});
const BOTH = [pod('v1'), pod('v2')];

interface Drawn {
  readonly pods: readonly TestPod[];
  readonly rules: readonly KubeObject[];
  /** Default 2000. */
  readonly requests?: number;
  /** Requests at a time, default 16. */
  readonly width?: number;
  readonly headers?: (request: number) => object;
}

/** Sends the requests through one kind of sidecars. @returns both ledgers, when as much has arrived as was sent and copied. */
async function draw(start: StartPodProxy, drawn: Drawn, arrived: (ledgers: Ledgers) => boolean): Promise<Ledgers> {
  const { pods, rules, requests = 2000, width = 16, headers } = drawn;
  const mesh = await ScrapedMesh.start(start, pods, rules, 42);
  try {
    let next = 0;
    await Promise.all(
      Array.from({ length: width }, async () => {
        for (let request = next++; request < requests; request = next++)
          await mesh.send(headers ? { headers: headers(request) } : {});
      }),
    );
    let ledgers = await mesh.ledgers();
    await eventually(async () => {
      ledgers = await mesh.ledgers();
      expect(countOf(ledgers.source, () => true)).toBe(requests);
      expect(arrived(ledgers)).toBe(true);
    }).catch(() => undefined);
    return ledgers;
  } finally {
    await mesh.close();
  }
}

/** What both kinds of sidecars counted. */
async function both(drawn: Drawn, arrived: (ledgers: Ledgers) => boolean = () => true) {
  if (!sidecars) throw new Error('no Envoy');
  // One after the other: both want the cores.
  return { real: await draw(sidecars.start, drawn, arrived), own: await draw(ownSidecars, drawn, arrived) };
}

const requestsTo = (workload: string) => (row: string) => row.split(' ')[3]?.split('<')[0] === workload;
const total = ({ source }: Ledgers) => countOf(source, () => true);
const shareOf = (ledgers: Ledgers, workload: string, side: 'source' | 'destination' = 'source'): Count => ({
  k: countOf(ledgers[side], requestsTo(workload)),
  n: total(ledgers),
});

/** Both must have drawn this share, and nothing must tell them apart. */
function expectShare(counts: readonly Count[], share: number): void {
  const [real, own] = counts;
  compared('envoy');
  if (!real || !own) throw new Error('two counts are compared');
  expect([contradictsShare(real, share), contradictsShare(own, share), contradictEachOther(real, own)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
}

describe.skipIf(!envoy)('what is drawn at random', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test.each([
    [90, 10],
    [75, 20],
    [1, 3],
  ])('weights %i and %i', async (a, b) => {
    const rules = [subsets(), virtualService({ route: [to('v1', a), to('v2', b)] })];
    const { real, own } = await both({ pods: BOTH, rules });
    expectShare([shareOf(real, 'shop-v2'), shareOf(own, 'shop-v2')], b / (a + b));
    expectShare([shareOf(real, 'shop-v2', 'destination'), shareOf(own, 'shop-v2', 'destination')], b / (a + b));
  });

  test('two mirrors of 50 % and of 20 % are drawn apart, an abort before them', async () => {
    const rule = {
      route: [to('v1')],
      mirrors: [
        { destination: { host: 'shop', subset: 'v2' }, percentage: { value: 50 } },
        { destination: { host: 'shop', subset: 'v2' }, percentage: { value: 20 } },
      ],
      fault: { abort: { percentage: { value: 40 }, httpStatus: 555 } },
    };
    const { real, own } = await both({ pods: BOTH, rules: [subsets(), virtualService(rule)] });
    const aborted = (ledgers: Ledgers): Count => ({
      k: countOf(ledgers.source, (row) => row.includes('555 FI unknown unknown shop')),
      n: total(ledgers),
    });
    expectShare([aborted(real), aborted(own)], 0.4);
    // Copies of a request may be two: half of the sum of both draws is compared.
    const copies = (ledgers: Ledgers): Count => {
      const { k, n } = shareOf(ledgers, 'shop-v2', 'destination');
      return { k, n: 2 * n };
    };
    expectShare([copies(real), copies(own)], (0.6 * (0.5 + 0.2)) / 2);
  });

  test('a delay of 30 % and an abort of 40 % are independent', async () => {
    const fault = {
      delay: { percentage: { value: 30 }, fixedDelay: '0.01s' },
      abort: { percentage: { value: 40 }, httpStatus: 555 },
    };
    const rules = [subsets(), virtualService({ route: [to('v1')], fault })];
    const { real, own } = await both({ pods: [pod('v1')], rules });
    const rows = { '200 - ': 0.42, '200 DI ': 0.18, '555 FI ': 0.28, '555 DI,FI ': 0.12 };
    for (const [what, share] of Object.entries(rows)) {
      const count = (ledgers: Ledgers): Count => ({
        k: countOf(ledgers.source, (row) => row.includes(`x ${what}`)),
        n: total(ledgers),
      });
      expectShare([count(real), count(own)], share);
    }
  });

  test('a retry stays in the cluster that was drawn', async () => {
    const failing: RequestListener = (_request, response) => {
      response.writeHead(503);
      response.end();
    };
    const rules = [
      subsets(),
      virtualService({ route: [to('v1', 50), to('v2', 50)], retries: { attempts: 2, retryOn: '5xx' } }),
    ];
    const { real, own } = await both({ pods: [pod('v1'), pod('v2', 1, failing)], rules, requests: 400 });
    for (const ledgers of [real, own]) {
      const failed = countOf(ledgers.source, (row) => row.includes('503 URX shop-v2 v2 shop'));
      expect(contradictsShare({ k: failed, n: 400 }, 0.5)).toBeUndefined();
      expect(countOf(ledgers.destination, requestsTo('shop-v2'))).toBe(3 * failed);
    }
  });
});

describe.skipIf(!envoy)('what balancing chooses', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test('ROUND_ROBIN alternates exactly', async () => {
    const rules = [subsets({ loadBalancer: { simple: 'ROUND_ROBIN' } })];
    const { real, own } = await both({ pods: BOTH, rules, requests: 300, width: 1 });
    expect([shareOf(real, 'shop-v2').k, shareOf(own, 'shop-v2').k]).toEqual([150, 150]);
  });

  test.each(['LEAST_REQUEST', 'RANDOM'])('%s over 3 idle pods and 1 is drawn evenly', async (simple) => {
    const rules = [subsets({ loadBalancer: { simple } })];
    const pods = [pod('v1', 1), pod('v1', 2), pod('v1', 3), pod('v2')];
    const { real, own } = await both({ pods, rules, requests: 1200, width: 1 });
    expectShare([shareOf(real, 'shop-v2'), shareOf(own, 'shop-v2')], 0.25);
  });

  test('LEAST_REQUEST sends more to the faster version, and both find the same shares within 5 points', async () => {
    const delayed =
      (ms: number): RequestListener =>
      (_request, response) => {
        setTimeout(() => response.end('ok'), ms);
      };
    const pods = [pod('v1', 1, delayed(20)), pod('v2', 1, delayed(100))];
    const { real, own } = await both({ pods, rules: [subsets()], requests: 1600, width: 16 });
    const fast = [real, own].map((ledgers) => shareOf(ledgers, 'shop-v1')).map(({ k, n }) => k / n);
    expect(Math.min(...fast)).toBeGreaterThan(0.6);
    expect(Math.abs((fast[0] ?? 0) - (fast[1] ?? 1))).toBeLessThan(0.05);
  });

  test('a consistent hash keeps every user on one pod; under weights the version is still drawn by request', async () => {
    const policy = { loadBalancer: { consistentHash: { httpHeaderName: 'x-user' } } };
    const pods = [pod('v1', 1), pod('v1', 2), pod('v2', 1), pod('v2', 2)];
    const one = () => ({ 'x-user': 'wanda' });
    const alone = await both({ pods, rules: [subsets(policy)], requests: 60, width: 1, headers: one });
    for (const { destination } of [alone.real, alone.own]) expect(destination).toHaveLength(1);
    const weighted = [subsets(policy), virtualService({ route: [to('v1', 90), to('v2', 10)] })];
    const { real, own } = await both({ pods, rules: weighted, headers: one });
    expectShare([shareOf(real, 'shop-v2'), shareOf(own, 'shop-v2')], 0.1);
    for (const { destination } of [real, own]) expect(destination).toHaveLength(2);
  });
});

describe.skipIf(!envoy)('limits', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test('one connection and one that waits: of nine that come while the first is served eight are UO', async () => {
    if (!sidecars) return;
    const policy = { connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } } };
    for (const start of [sidecars.start, ownSidecars]) {
      let served = 0;
      const slow: RequestListener = (_request, response) => {
        served += 1;
        setTimeout(() => response.end('late'), 1000);
      };
      const mesh = await ScrapedMesh.start(start, [pod('v1', 1, slow)], [subsets(policy)]);
      try {
        // A request whose connection is not up yet is one that waits: the first must have arrived.
        const first = mesh.send();
        await eventually(() => expect(served).toBe(1));
        await Promise.all([first, ...Array.from({ length: 9 }, () => mesh.send())]);
        await eventually(async () =>
          expect(await mesh.ledgers()).toEqual({
            source: ['2x 200 - shop-v1 v1 shop', '8x 503 UO unknown unknown shop'],
            destination: ['2x 200 - shop-v1<web v1 shop'],
          }),
        );
        compared('envoy');
      } finally {
        await mesh.close();
      }
    }
  });

  test.each([
    [100, true],
    [10, false],
  ])('five errors in a row of the only host, of which %i %% may be out', async (maxEjectionPercent, ejected) => {
    if (!sidecars) return;
    const failing: RequestListener = (_request, response) => {
      response.writeHead(500);
      response.end();
    };
    const policy = { outlierDetection: { consecutive5xxErrors: 5, maxEjectionPercent, baseEjectionTime: '60s' } };
    for (const start of [sidecars.start, ownSidecars]) {
      const mesh = await ScrapedMesh.start(start, [pod('v1', 1, failing)], [subsets(policy)]);
      try {
        const codes: number[] = [];
        // A change of a cluster's hosts less than a second after the last one waits, and the first one is a change.
        const deadline = performance.now() + 2_500;
        while (codes.at(-1) !== 503 && performance.now() < deadline) {
          codes.push((await mesh.send()).status);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        expect(codes.length).toBeGreaterThan(5);
        expect(codes.at(-1)).toBe(ejected ? 503 : 500);
        const { source } = await mesh.ledgers();
        const answered = `${codes.filter((code) => code === 500).length}x 500 - shop-v1 v1 shop`;
        expect(source).toEqual([...(ejected ? ['1x 503 UH unknown unknown shop'] : []), answered].sort());
      } finally {
        await mesh.close();
      }
    }
  });
});
