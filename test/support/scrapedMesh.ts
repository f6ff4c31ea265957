import type { Socket } from 'node:net';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { httpRequest } from '../../src/cluster/http.js';
import { connectTo } from '../../src/lab/control/network.js';
import type { PodProxy, PodProxyOptions } from '../../src/lab/control/podProxy.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import type { ProxyConfig } from '../../src/mesh/types.js';
import { ledger, tcpLedger } from './labLedger.js';
import { type Answer, type StartedPods, sendTo, startPods, type TestPod } from './labMesh.js';
import { SERVICE_PORT, shopService } from './labShop.js';

/** What both sides counted; see labLedger.ts. */
export interface Ledgers {
  readonly source: readonly string[];
  readonly destination: readonly string[];
}

/** The client pod `web` and the pods of `shop` behind sidecars of any kind, seen only by what they serve. */
export class ScrapedMesh<P extends PodProxy> {
  readonly client: P;
  readonly sidecars: ReadonlyMap<string, P>;
  private readonly pods: StartedPods<P>;

  private constructor(pods: StartedPods<P>) {
    this.pods = pods;
    this.client = pods.client;
    this.sidecars = pods.sidecars;
  }

  static async start<P extends PodProxy>(
    startProxy: (options: PodProxyOptions) => Promise<P>,
    pods: readonly TestPod[],
    rules: readonly KubeObject[],
    seed = 1,
  ): Promise<ScrapedMesh<P>> {
    const mesh = new ScrapedMesh(await startPods(pods, rules, seed, startProxy));
    await mesh.configure();
    return mesh;
  }

  /** Gives every sidecar new rules and waits until they are in force. */
  async configure(objects: readonly KubeObject[] = this.pods.objects): Promise<void> {
    await Promise.all(
      [this.client, ...this.sidecars.values()].map(async (proxy) => {
        await proxy.configure(compileProxyConfig(objects, proxy.caller), objects);
        await proxy.settled();
      }),
    );
    // What one has opened meanwhile concerns the others.
    for (const proxy of [this.client, ...this.sidecars.values()]) await proxy.settled();
  }

  /** Replaces the rules: everything but the pods, and the Service if they bring none. */
  async change(rules: readonly KubeObject[]): Promise<void> {
    const hasShop = rules.some(({ kind, metadata }) => kind === 'Service' && metadata.name === 'shop');
    const pods = this.pods.objects.filter(({ kind }) => kind === 'Pod');
    await this.configure([...(hasShop ? [] : [shopService()]), ...rules, ...pods]);
  }

  /** Gives the client's sidecar a configuration of its own. */
  async configureClient(config: ProxyConfig): Promise<void> {
    await this.client.configure(config, this.pods.objects);
    await this.client.settled();
  }

  async send(
    options: { path?: string; method?: string; host?: string; headers?: object; body?: string } = {},
  ): Promise<Answer> {
    const host = options.host ?? `shop:${SERVICE_PORT}`;
    const [name = '', port = '80'] = host.split(':');
    return sendTo(await this.client.outbound(name, Number(port)), { ...options, host });
  }

  async open(host: string, port: number): Promise<Socket> {
    const socket = connectTo(await this.client.outbound(host, port));
    socket.on('error', () => undefined);
    return socket;
  }

  async ledgers(): Promise<Ledgers> {
    const [source, ...destinations] = await this.pages();
    return {
      source: ledger(source ?? '', 'source'),
      destination: destinations.flatMap((page) => ledger(page, 'destination')).sort(),
    };
  }

  /** What the client's sidecar counted, whether the others are up or not. */
  async sourceLedger(): Promise<string[]> {
    return ledger(await pageOf(this.client), 'source');
  }

  /** Byte connections of both sides. */
  async tcp(): Promise<Ledgers> {
    const [source, ...destinations] = await this.pages();
    return {
      source: tcpLedger(source ?? '', 'source').sort(),
      destination: destinations.flatMap((page) => tcpLedger(page, 'destination')).sort(),
    };
  }

  /** Metric pages: the client's, then those of the pods. */
  async pages(): Promise<string[]> {
    return Promise.all([this.client, ...this.sidecars.values()].map(pageOf));
  }

  async close(): Promise<void> {
    await Promise.all(this.pods.closers.map((close) => close()));
  }
}

async function pageOf(proxy: PodProxy): Promise<string> {
  const { status, text } = await httpRequest(new URL(`http://127.0.0.1:${proxy.port(15_020)}/stats/prometheus`), {});
  if (status !== 200) throw new Error(`the metrics of ${proxy.id} answered ${status}: ${text}`);
  return text;
}
