import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kubernetes.js';
import { compared } from '../../support/comparisons.js';
import { shopService, subsets, type TestPod, to } from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';
import { envoySidecars, ownSidecars, realEnvoy } from '../../support/realEnvoy.js';
import { type Ledgers, ScrapedMesh } from '../../support/scrapedMesh.js';

const envoy = await realEnvoy();
const sidecars = envoy && envoySidecars(envoy);

/** Answers every chunk with a word and ends when the client does. */
const bytes = (text: string) => ({
  raw: (socket: Socket) => {
    socket.on('data', () => socket.write(text));
    socket.on('end', () => socket.end());
  },
});

const pod = (version: string, app: TestPod['app'], sidecar = true): TestPod => ({
  name: `shop-${version}-1`,
  version,
  sidecar,
  app,
});

const tcpShop = shopService({}, 'shop', { name: 'tcp' });

const tcpRoutes = (...route: object[]): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'shop', namespace: 'demo' },
  spec: { hosts: ['shop'], tcp: [{ route }] },
});

interface Case {
  readonly name: string;
  readonly pods: () => TestPod[];
  readonly rules: readonly KubeObject[];
  readonly answer: string;
  readonly ledgers: Ledgers;
}

const CASES: readonly Case[] = [
  {
    name: 'a connection is counted on both sides when it opens and closes, with its bytes and with who called',
    pods: () => [pod('v1', bytes('thanks'))],
    rules: [],
    answer: 'thanks',
    ledgers: { source: ['1/1 6/5 - shop-v1 v1 shop'], destination: ['1/1 6/5 - shop-v1<web v1 shop'] },
  },
  {
    name: 'a pod without sidecar is counted at the source only, its version unknown',
    pods: () => [pod('v1', bytes('thanks'), false)],
    rules: [],
    answer: 'thanks',
    ledgers: { source: ['1/1 6/5 - shop-v1 unknown shop'], destination: [] },
  },
  {
    name: 'a subset without pods is UH',
    pods: () => [pod('v1', bytes('thanks'))],
    rules: [subsets(), tcpRoutes(to('v2'))],
    answer: '',
    ledgers: { source: ['1/1 0/0 UH unknown unknown shop'], destination: [] },
  },
  {
    name: 'a pod that refuses is UF and URX, since a byte connection is tried once',
    pods: () => [pod('v1', 'dead', false)],
    rules: [],
    answer: '',
    ledgers: { source: ['1/1 0/0 UF,URX shop-v1 unknown shop'], destination: [] },
  },
];

async function ask(mesh: { open(host: string, port: number): Promise<Socket> }): Promise<string> {
  const socket = await mesh.open('shop', 8000);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
    socket.end();
  });
  socket.write('hello');
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

describe.skipIf(!envoy)('byte connections', () => {
  afterEach(() => expect(sidecars?.complaints.splice(0)).toEqual([]));

  test.each(CASES)('$name', async ({ pods, rules, answer, ledgers }) => {
    if (!sidecars) return;
    for (const start of [sidecars.start, ownSidecars]) {
      const mesh = await ScrapedMesh.start(start, pods(), [tcpShop, ...rules]);
      try {
        expect(await ask(mesh)).toBe(answer);
        await eventually(async () => expect(await mesh.tcp()).toEqual(ledgers), 2000);
        compared('envoy');
      } finally {
        await mesh.close();
      }
    }
  });
});
