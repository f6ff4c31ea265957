import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { compared } from '../../support/comparisons.js';
import { SERVICE_PORT, shopService, subsets, type TestPod, to, virtualService } from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';
import { envoySidecars, ownSidecars, realEnvoy } from '../../support/realEnvoy.js';
import { type Ledgers, ScrapedMesh } from '../../support/scrapedMesh.js';

const envoy = await realEnvoy();
const sidecars = envoy && envoySidecars(envoy);

const ok: RequestListener = (_request, response) => void response.end('ok');
const pods = (): TestPod[] => [{ name: 'shop-v1-1', version: 'v1', sidecar: true, app: ok }];

const registryOnly: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'istio', namespace: 'istio-system' },
  data: { mesh: 'outboundTrafficPolicy:\n  mode: REGISTRY_ONLY\n' },
} as KubeObject;

const narrow: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'Sidecar',
  metadata: { name: 'narrow', namespace: 'demo' },
  spec: { egress: [{ hosts: ['istio-system/*'] }] },
};

/** An HTTP Service of the port of `shop` that everybody is told of. */
const visible: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'visible', namespace: 'istio-system' },
  spec: { ports: [{ name: 'http', port: SERVICE_PORT, targetPort: 1 }] },
};

const missingBackend: KubeObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'shop', namespace: 'demo' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'shop', port: SERVICE_PORT }],
    rules: [{ backendRefs: [{ name: 'gone', port: SERVICE_PORT, weight: 3 }] }],
  },
};

interface Case {
  readonly name: string;
  readonly rules: readonly KubeObject[];
  readonly host?: string;
  readonly status: number;
  readonly ledgers: Ledgers;
}

const CASES: readonly Case[] = [
  {
    name: 'with REGISTRY_ONLY an unknown host on a known port is 502 of the BlackHoleCluster',
    rules: [registryOnly],
    host: `elsewhere.example:${SERVICE_PORT}`,
    status: 502,
    ledgers: { source: ['1x 502 - unknown unknown BlackHoleCluster'], destination: [] },
  },
  {
    name: 'a hidden Service on the port of a known one is passed through, and its rules do not apply',
    rules: [visible, narrow, subsets(), virtualService({ route: [to('v2')] })],
    status: 200,
    ledgers: { source: ['1x 200 - shop-v1 v1 PassthroughCluster'], destination: ['1x 200 - shop-v1<web v1 shop'] },
  },
  {
    name: 'a passed-through address where nothing listens is 503 UF',
    rules: [shopService({}, 'other', { port: 8100 })],
    host: 'shop:8100',
    status: 503,
    ledgers: { source: ['1x 503 UF unknown unknown PassthroughCluster'], destination: [] },
  },
  {
    name: 'a backend that is missing is 500 NC and names the Host header',
    rules: [missingBackend],
    status: 500,
    ledgers: { source: ['1x 500 NC unknown unknown shop:8000'], destination: [] },
  },
  {
    name: 'a headless Service is reached at the pod that was dialled, whatever its route says',
    rules: [shopService({ clusterIP: 'None' }), subsets(), virtualService({ route: [to('v2')] })],
    status: 200,
    ledgers: { source: ['1x 200 - shop-v1 v1 shop'], destination: ['1x 200 - shop-v1<web v1 shop'] },
  },
  {
    name: 'a port without protocol is routed by its rules when requests come',
    rules: [shopService({}, 'shop', { name: 'any' }), subsets(), virtualService({ fault: abort(), route: [to('v1')] })],
    status: 555,
    ledgers: { source: ['1x 555 FI unknown unknown shop'], destination: [] },
  },
];

function abort(): object {
  return { abort: { percentage: { value: 100 }, httpStatus: 555 } };
}

describe.skipIf(!envoy)('hosts and ports that are not ordinary', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test.each(CASES)('$name', async ({ rules, host, status, ledgers }) => {
    if (!sidecars) return;
    for (const start of [ownSidecars, sidecars.start]) {
      const mesh = await ScrapedMesh.start(start, pods(), rules);
      try {
        expect((await mesh.send(host ? { host } : {})).status).toBe(status);
        await eventually(async () => expect(await mesh.ledgers()).toEqual(ledgers), 2000);
        compared('envoy');
      } finally {
        await mesh.close();
      }
    }
  });
});

describe.skipIf(!envoy)('ends that come too early', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  const late: RequestListener = (_request, response) => {
    setTimeout(() => response.end('late'), 1500);
  };
  const slow = (version: string): TestPod => ({ name: `shop-${version}-1`, version, sidecar: true, app: late });
  const toV1 = (rule: object = {}) => [subsets(), virtualService({ route: [to('v1')], ...rule })];

  test('a client that leaves is 0 DC on both sides, and the copy of its request is answered', async () => {
    if (!sidecars) return;
    for (const start of [ownSidecars, sidecars.start]) {
      const rules = toV1({ mirror: { host: 'shop', subset: 'v2' } });
      const mesh = await ScrapedMesh.start(start, [slow('v1'), slow('v2')], rules);
      try {
        const socket = await mesh.open('shop', SERVICE_PORT);
        socket.write('GET / HTTP/1.1\r\nhost: shop:8000\r\n\r\n');
        setTimeout(() => socket.destroy(), 300);
        await eventually(async () =>
          expect(await mesh.ledgers()).toEqual({
            source: ['1x 0 DC shop-v1 unknown shop'],
            destination: ['1x 0 DC shop-v1<web v1 shop', '1x 200 - shop-v2<web v2 shop'],
          }),
        );
      } finally {
        await mesh.close();
      }
    }
  });

  test('a sidecar that ends while its pod is asked is UC, and UF for those who come later', async () => {
    if (!sidecars) return;
    for (const start of [ownSidecars, sidecars.start]) {
      const mesh = await ScrapedMesh.start(start, [slow('v1')], toV1({ retries: { attempts: 0 } }));
      try {
        const waiting = mesh.send();
        await new Promise((resolve) => setTimeout(resolve, 300));
        await mesh.sidecars.get('shop-v1-1')?.close();
        expect([(await waiting).status, (await mesh.send()).status]).toEqual([503, 503]);
        const source = ['1x 503 UC shop-v1 unknown shop', '1x 503 UF shop-v1 unknown shop'];
        await eventually(async () => expect(await mesh.sourceLedger()).toEqual(source));
      } finally {
        await mesh.close();
      }
    }
  });
});
