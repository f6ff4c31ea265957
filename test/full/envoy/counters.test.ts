import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { compared } from '../../support/comparisons.js';
import { shopService, subsets, type TestPod, to, virtualService } from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';
import { envoySidecars, ownSidecars, realEnvoy } from '../../support/realEnvoy.js';
import { ScrapedMesh } from '../../support/scrapedMesh.js';

const envoy = await realEnvoy();
const sidecars = envoy && envoySidecars(envoy);

const pod = (version: string, app: TestPod['app']): TestPod => ({
  name: `shop-${version}-1`,
  version,
  sidecar: true,
  app,
});

const bytes = {
  raw: (socket: Socket) => {
    socket.on('data', () => socket.end('thanks'));
  },
};

const tcpRoutes = (subset: string): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'shop', namespace: 'demo' },
  spec: { hosts: ['shop'], tcp: [{ route: [to(subset)] }] },
});

async function ask(mesh: { open(host: string, port: number): Promise<Socket> }): Promise<void> {
  const socket = await mesh.open('shop', 8000);
  socket.resume();
  socket.write('hello');
  await new Promise((resolve) => socket.once('close', resolve));
}

describe.skipIf(!envoy)('changes under way', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test('routes that change under requests fail none of them, and no count is lost', async () => {
    if (!sidecars) return;
    const pods = [pod('v1', (_q, r) => void r.end('ok')), pod('v2', (_q, r) => void r.end('ok'))];
    const rules = (v1: number) => [subsets(), virtualService({ route: [to('v1', v1), to('v2', 100 - v1)] })];
    const mesh = await ScrapedMesh.start(sidecars.start, pods, rules(100));
    try {
      let sent = 0;
      let over = false;
      const statuses = new Set<number>();
      const load = Promise.all(
        Array.from({ length: 8 }, async () => {
          while (!over) {
            statuses.add((await mesh.send()).status);
            sent += 1;
          }
        }),
      );
      for (let change = 0; change < 12; change++) {
        // Subsets come and go with the weights, so that clusters do as well.
        await mesh.change(change % 3 === 0 ? [] : rules(change % 2 === 0 ? 100 : 0));
      }
      over = true;
      await load;
      expect([...statuses]).toEqual([200]);
      await eventually(async () => {
        const { source, destination } = await mesh.ledgers();
        const sum = (rows: readonly string[]) => rows.reduce((total, row) => total + Number.parseInt(row, 10), 0);
        expect([sum(source), sum(destination)]).toEqual([sent, sent]);
      });
    } finally {
      await mesh.close();
    }
  });

  test('a byte route that changes replaces its listener, and the counts stay', async () => {
    if (!sidecars) return;
    const tcpShop = shopService({}, 'shop', { name: 'tcp' });
    const pods = [pod('v1', bytes), pod('v2', bytes)];
    const mesh = await ScrapedMesh.start(sidecars.start, pods, [tcpShop, subsets(), tcpRoutes('v1')]);
    try {
      await ask(mesh);
      await mesh.change([tcpShop, subsets(), tcpRoutes('v2')]);
      await ask(mesh);
      // Longer than the old listener drains.
      const until = performance.now() + 7000;
      await eventually(() => expect(performance.now()).toBeGreaterThan(until), 8000);
      await ask(mesh);
      await eventually(async () =>
        expect((await mesh.tcp()).source).toEqual(['1/1 6/5 - shop-v1 v1 shop', '2/2 12/10 - shop-v2 v2 shop']),
      );
    } finally {
      await mesh.close();
    }
  });

  test('a policy that comes and goes reaches connections that are open, cuts none, and no count is lost', async () => {
    if (!sidecars) return;
    const rules = [subsets(), virtualService({ route: [to('v1')], retries: { attempts: 0 } })];
    const policy: KubeObject = {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'deny', namespace: 'demo' },
      spec: { action: 'DENY', rules: [{ from: [{ source: { namespaces: ['demo'] } }] }] },
    };
    for (const start of [ownSidecars, sidecars.start]) {
      const mesh = await ScrapedMesh.start(start, [pod('v1', (_q, r) => void r.end('ok'))], rules);
      try {
        const seen: Record<number, number> = {};
        let over = false;
        const load = Promise.all(
          Array.from({ length: 4 }, async () => {
            while (!over) {
              const { status } = await mesh.send();
              seen[status] = (seen[status] ?? 0) + 1;
            }
          }),
        );
        /** Everybody is answered so within two rounds of requests. */
        const all = (status: number) =>
          eventually(async () => {
            const before = { ...seen };
            await new Promise((resolve) => setTimeout(resolve, 50));
            const changed = Object.keys(seen).filter((code) => seen[Number(code)] !== before[Number(code)]);
            expect(changed).toEqual([String(status)]);
          });
        for (let round = 0; round < 3; round++) {
          await mesh.change([...rules, policy]);
          await all(403);
          await mesh.change(rules);
          await all(200);
        }
        over = true;
        await load;
        const counted = (workload: string) =>
          [200, 403].map((status) => `${seen[status]}x ${status} - ${workload} v1 shop`).sort();
        await eventually(async () =>
          expect(await mesh.ledgers()).toEqual({
            source: counted('shop-v1'),
            destination: counted('shop-v1<web'),
          }),
        );
        compared('envoy');
      } finally {
        await mesh.close();
      }
    }
  });
});
