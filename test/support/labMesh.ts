import { createServer as createHttpServer, request as httpRequest, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../../src/base/clock.js';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { seededRandom } from '../../src/base/random.js';
import { connectTo, type Dial, PodNetwork } from '../../src/lab/control/network.js';
import type { PodProxy, PodProxyOptions } from '../../src/lab/control/podProxy.js';
import { ServiceAddresses } from '../../src/lab/control/serviceAddress.js';
import { Store } from '../../src/lab/control/store.js';
import { Sidecar } from '../../src/lab/proxy/sidecar.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { ledger, tcpLedger } from './labLedger.js';
import { deployed, NAMESPACE, SERVICE_PORT, shopService, sliceOf, TARGET_PORT } from './labShop.js';

/** How a pod's application behaves: HTTP, raw bytes, or not there. */
type TestApp = RequestListener | { readonly raw: (socket: Socket) => void } | 'dead';

export interface TestPod {
  readonly name: string;
  /** Label `version`; also part of the workload's name. */
  readonly version: string;
  readonly sidecar: boolean;
  readonly app: TestApp;
  /** Default true. */
  readonly ready?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A client pod `web` with a sidecar and the pods of the Service `shop`, each with its own real listeners. */
export class TestMesh {
  readonly client: Sidecar;
  readonly sidecars = new Map<string, Sidecar>();
  private readonly network: PodNetwork;
  private readonly objects: readonly KubeObject[];
  private readonly closers: (() => Promise<void>)[];

  private constructor(
    client: Sidecar,
    network: PodNetwork,
    objects: readonly KubeObject[],
    closers: (() => Promise<void>)[],
  ) {
    this.client = client;
    this.network = network;
    this.objects = objects;
    this.closers = closers;
  }

  static async start(pods: readonly TestPod[], rules: readonly KubeObject[], seed = 1): Promise<TestMesh> {
    const { client, sidecars, network, objects, closers } = await startPods(pods, rules, seed, (options) =>
      Sidecar.start(options),
    );
    const mesh = new TestMesh(client, network, objects, closers);
    for (const [name, sidecar] of sidecars) mesh.sidecars.set(name, sidecar);
    mesh.configure(objects);
    return mesh;
  }

  /** Sends new rules to every sidecar at once. */
  configure(objects: readonly KubeObject[] = this.objects): void {
    for (const sidecar of [this.client, ...this.sidecars.values()])
      sidecar.configure(compileProxyConfig(objects, sidecar.caller), objects);
  }

  /** Ends the sidecar of a pod: its address refuses connections from then on. */
  async killSidecar(name: string): Promise<void> {
    await this.sidecars.get(name)?.close();
  }

  /** Sends a request as the application of the client pod would. */
  async send(
    options: { path?: string; method?: string; host?: string; headers?: object; body?: string } = {},
  ): Promise<Answer> {
    const host = options.host ?? `shop:${SERVICE_PORT}`;
    const [name = '', port = '80'] = host.split(':');
    const real = await this.client.outbound(name, Number(port));
    return sendTo(real, { ...options, host });
  }

  /** Opens a byte connection as the application of the client pod would. */
  async open(host: string, port: number): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port: await this.client.outbound(host, port) });
    socket.on('error', () => undefined);
    return socket;
  }

  /**
   * Like {@link send}, and leaves after `ms` without waiting for the answer.
   * @param body posted; of `length` bytes that are announced only those of `text` are sent.
   */
  async sendAndLeave(ms: number, body?: { readonly text: string; readonly length: number }): Promise<void> {
    const real = await this.client.outbound('shop', SERVICE_PORT);
    await new Promise<void>((resolve) => {
      const request = httpRequest({
        host: '127.0.0.1',
        port: real,
        agent: false,
        method: body ? 'POST' : 'GET',
        headers: { host: `shop:${SERVICE_PORT}`, ...(body ? { 'content-length': body.length } : {}) },
      });
      request.on('error', () => resolve());
      if (body) request.write(body.text);
      if (!body || body.length === body.text.length) request.end();
      setTimeout(() => request.destroy(new Error('left')), ms);
    });
  }

  /** What a client without sidecar reaches at a pod. */
  directPort(index: number): number {
    const port = this.network.dial(`10.244.0.${index + 2}`, TARGET_PORT);
    if (port === undefined) throw new Error('nothing listens');
    return port;
  }

  /** Source and destination ledgers: `count x code flags workload version service` in text order; `-` where nothing is counted. */
  source(): string[] {
    return ledger(this.client.metrics.render(), 'source');
  }

  destination(): string[] {
    return [...this.sidecars.values()].flatMap((sidecar) => ledger(sidecar.metrics.render(), 'destination')).sort();
  }

  /** Byte connections of one side: `opened/closed sent/received flags workload version service`. */
  tcp(reporter: 'source' | 'destination'): string[] {
    const sidecars = reporter === 'source' ? [this.client] : [...this.sidecars.values()];
    return sidecars.flatMap((sidecar) => tcpLedger(sidecar.metrics.render(), reporter)).sort();
  }

  async close(): Promise<void> {
    await Promise.all(this.closers.map((close) => close()));
  }
}

/** The pods of a test with their listeners, not configured yet. */
export interface StartedPods<P> {
  readonly client: P;
  readonly sidecars: ReadonlyMap<string, P>;
  readonly network: PodNetwork;
  readonly objects: readonly KubeObject[];
  readonly closers: (() => Promise<void>)[];
}

/** Starts a client pod `web` and the pods of `shop`, each with whatever proxy `startProxy` makes. */
export async function startPods<P extends PodProxy>(
  pods: readonly TestPod[],
  rules: readonly KubeObject[],
  seed: number,
  startProxy: (options: PodProxyOptions) => Promise<P>,
): Promise<StartedPods<P>> {
  const store = new Store();
  const network = new PodNetwork();
  const addresses = new ServiceAddresses(store, network);
  const closers: (() => Promise<void>)[] = [];
  const hasShop = rules.some(({ kind, metadata }) => kind === 'Service' && metadata.name === 'shop');
  const objects: KubeObject[] = [...(hasShop ? [] : [shopService()]), ...rules];
  const addressesOfPods = pods.flatMap(({ ready = true }, index) => (ready ? [`10.244.0.${index + 2}`] : []));
  for (const service of objects.filter(({ kind }) => kind === 'Service')) {
    store.put('services', service);
    store.put('endpointslices.discovery.k8s.io', sliceOf(service, addressesOfPods));
  }
  const start = (pod: KubeObject, workload: string, podIp: string, random: number, real: number | undefined) =>
    startProxy({
      clock: systemClock,
      random: seededRandom(random),
      network,
      addresses,
      podIp,
      pod,
      workload,
      serviceAccount: 'default',
      appPorts: real === undefined && workload === 'web' ? [] : [TARGET_PORT],
      localPort: (port) => (port === TARGET_PORT ? real : undefined),
    });
  const sidecars = new Map<string, P>();
  for (const [index, pod] of pods.entries()) {
    const ip = `10.244.0.${index + 2}`;
    const workload = `shop-${pod.version}`;
    const object = deployed(pod.name, workload, ip, { app: 'shop', version: pod.version }, pod.ready ?? true);
    objects.push(object);
    const real = await listenApp(pod.app, closers);
    const local = (port: number) => (port === TARGET_PORT ? real : undefined);
    if (!pod.sidecar) {
      network.attach(ip, { inbound: local, local, accept: () => false, principal: undefined });
      continue;
    }
    const sidecar = await start(object, workload, ip, seed + index, real);
    closers.push(() => sidecar.close());
    sidecars.set(pod.name, sidecar);
    network.attach(ip, {
      inbound: (port) => sidecar.inbound(port),
      local,
      accept: (port, socket) => sidecar.accept(port, socket),
      principal: `spiffe://cluster.local/ns/${NAMESPACE}/sa/default`,
    });
  }
  const web = deployed('web-abc-1', 'web', '10.244.1.2', { app: 'web', version: 'v1' }, true);
  objects.push(web);
  const client = await start(web, 'web', '10.244.1.2', seed + 100, undefined);
  closers.push(() => client.close());
  return { client, sidecars, network, objects, closers };
}

async function listenApp(app: TestApp, closers: (() => Promise<void>)[]): Promise<number | undefined> {
  if (app === 'dead') return undefined;
  const sockets = new Set<Socket>();
  const server: Server =
    typeof app === 'function' ? createHttpServer({ keepAliveTimeout: 60_000 }, app) : createTcpServer(app.raw);
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    sockets.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );
  return (server.address() as AddressInfo).port;
}

export function sendTo(
  dial: Dial,
  options: { path?: string; method?: string; host: string; headers?: object; body?: string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        path: options.path ?? '/',
        method: options.method ?? 'GET',
        createConnection: () => connectTo(dial),
        headers: { host: options.host, ...options.headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

export { labelsOf } from './labLedger.js';
export { SERVICE_PORT, shopService, subsets, to, virtualService } from './labShop.js';
