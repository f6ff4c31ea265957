import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { KubeConfig, PortForward } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type Cluster, type Kubectl, kubectlFor, startCluster, startEcho, until } from '../../support/api-server.js';
import { runningPod, service } from '../../support/objects.js';
import { findPeer } from '../../support/peers.js';

/** Larger than SPDY's initial window of 64 KiB, of which kubectl never grants more. */
const BIG = Buffer.alloc(3_000_000, 'weighbridge ');

async function roundTrip(port: number, message: Buffer): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  let bytes = 0;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= message.length) socket.end();
  });
  socket.write(message);
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

let cluster: Cluster;
const config = new KubeConfig();
let echo: Awaited<ReturnType<typeof startEcho>>;
beforeAll(async () => {
  echo = await startEcho();
  cluster = await startCluster({
    resolvePodPort: (namespace, pod, port) =>
      namespace === 'default' && pod === 'web-1' && port === 80 ? { host: '127.0.0.1', port: echo.port } : undefined,
  });
  config.loadFromString(cluster.server.kubeconfig());
  cluster.store.put('pods', runningPod('web-1', 'default', { app: 'web' }));
});
afterAll(async () => {
  await cluster.close();
  await echo.close();
});

describe('port-forward over WebSocket channels, as the JavaScript client does it', () => {
  it('carries bytes both ways', async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    const errors = new PassThrough();
    const ws = (await new PortForward(config).portForward(
      'default',
      'web-1',
      [80],
      output,
      errors,
      input,
    )) as WebSocket;
    input.write('ping');
    const [chunk] = await once(output, 'data');
    expect(String(chunk)).toBe('ping');
    expect(errors.readableLength).toBe(0);
    ws.close();
  });

  it('carries more than a window', async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    let bytes = 0;
    output.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    const ws = (await new PortForward(config).portForward('default', 'web-1', [80], output, null, input)) as WebSocket;
    input.write(BIG);
    await until('all bytes', () => (bytes === BIG.length ? true : undefined));
    ws.close();
  });

  it('says on the error channel that nothing listens', async () => {
    const errors = new PassThrough();
    const ws = (await new PortForward(config).portForward(
      'default',
      'web-1',
      [81],
      new PassThrough(),
      errors,
      new PassThrough(),
    )) as WebSocket;
    // The first message of the channel is its port, which the client cuts off.
    const text = await until('the error', () => {
      const chunk = errors.read() as Buffer | null;
      return chunk && chunk.length > 0 ? String(chunk) : undefined;
    });
    expect(text).toMatch(
      /^error forwarding port 81 to pod web-1, uid [-\w]+: failed to connect to localhost:81 .* connection refused$/,
    );
    ws.close();
  });

  const refused = (path: string, protocols: string[]) =>
    new Promise<{ status: number | undefined; body: string }>((resolve) => {
      const ws = new WebSocket(cluster.server.url.replace('http', 'ws') + path, protocols);
      ws.on('error', () => {});
      ws.on('unexpected-response', (_, response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
    });
  it.each([
    [
      'an unknown pod',
      '/api/v1/namespaces/default/pods/none/portforward?ports=80',
      'v4.channel.k8s.io',
      404,
      'pods \\"none\\" not found',
    ],
    ['no port', '/api/v1/namespaces/default/pods/web-1/portforward', 'v4.channel.k8s.io', 400, '1 to 100 port numbers'],
    [
      'port 0',
      '/api/v1/namespaces/default/pods/web-1/portforward?ports=0',
      'v4.channel.k8s.io',
      400,
      '1 to 100 port numbers',
    ],
    [
      'another protocol',
      '/api/v1/namespaces/default/pods/web-1/portforward?ports=80',
      'chat',
      403,
      'unable to upgrade',
    ],
    ['another path', '/api/v1/namespaces/default/pods/web-1/exec', 'v4.channel.k8s.io', 404, 'could not find'],
  ])('refuses %s before the upgrade', async (_, path, protocol, status, text) => {
    const answer = await refused(path, [protocol]);
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(text);
  });

  it('survives a connection that upgrades to SPDY and then sends garbage', async () => {
    const socket = connect(cluster.server.port, '127.0.0.1');
    socket.write(
      'POST /api/v1/namespaces/default/pods/web-1/portforward HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n',
    );
    const [head] = await once(socket, 'data');
    expect(String(head)).toContain('101 Switching Protocols');
    socket.on('error', () => {});
    // A SYN_STREAM whose header block is no zlib stream.
    socket.write(Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 30, ...Array.from({ length: 30 }, (_, i) => (i * 7919) % 256)]));
    await once(socket, 'close');
    expect((await cluster.call('GET', '/readyz')).text).toBe('ok');
  });
});

const binary = findPeer('kubectl');
describe.skipIf(!binary)('kubectl port-forward', () => {
  let kubectl: Kubectl;
  beforeAll(() => {
    kubectl = kubectlFor(binary ?? '', cluster.server);
    cluster.store.put('services', {
      ...service('web', { app: 'web' }),
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: { app: 'web' }, ports: [{ port: 8080, targetPort: 'http' }] },
    });
  });
  afterAll(() => kubectl.remove());

  const forward = async (args: string[], env: Record<string, string>) => {
    const child = spawn(kubectl.binary, ['port-forward', ...args], { env: { ...kubectl.env, ...env } });
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      out += chunk;
    });
    const port = await until('the forwarding line', () => /127\.0\.0\.1:(\d+) ->/.exec(out)?.[1]);
    return { port: Number(port), output: () => out, stop: () => child.kill('SIGKILL') };
  };

  it.each([
    ['SPDY inside a WebSocket', 'true'],
    ['plain SPDY', 'false'],
  ])('forwards by %s: several connections, one after another and at once', async (_, websockets) => {
    const running = await forward(['svc/web', ':8080'], { KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets });
    try {
      expect(String(await roundTrip(running.port, Buffer.from('hello')))).toBe('hello');
      const both = await Promise.all([roundTrip(running.port, BIG), roundTrip(running.port, BIG)]);
      expect(both.map((answer) => answer.equals(BIG))).toEqual([true, true]);
    } finally {
      running.stop();
    }
  });

  it('tells that nothing listens on the port', async () => {
    const running = await forward(['pod/web-1', ':81'], { KUBECTL_PORT_FORWARD_WEBSOCKETS: 'true' });
    try {
      const socket = connect(running.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write('x');
      await until('the error', () =>
        /error forwarding port 81 to pod web-1/.test(running.output()) ? true : undefined,
      );
      socket.destroy();
    } finally {
      running.stop();
    }
  });
});

describe('the proxy of Services and pods', () => {
  it('passes requests on to a ready pod and answers as it does', async () => {
    const backend = createServer((request, response) => {
      response.writeHead(418, { 'X-Path': request.url ?? '' });
      request.pipe(response);
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const address = backend.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const other = await startCluster({
      resolvePodPort: (_, __, wanted) => (wanted === 80 ? { host: '127.0.0.1', port } : undefined),
    });
    other.store.put('pods', runningPod('web-1', 'default', { app: 'web' }));
    const web = service('web', { app: 'web' });
    other.store.put('services', {
      ...web,
      metadata: { name: 'web', namespace: 'default' },
      spec: { ...web.spec, ports: [{ name: 'http', port: 8080, targetPort: 'http' }] },
    });
    const base = '/api/v1/namespaces/default';
    for (const name of [
      'services/web',
      'services/web:http',
      'services/web:8080',
      'services/http:web:8080',
      'pods/web-1:80',
      'pods/web-1',
    ]) {
      const answer = await other.call('POST', `${base}/${name}/proxy/a/b?c=d%20e`, { x: 1 });
      expect([name, answer.status, answer.headers.get('x-path'), answer.text]).toEqual([
        name,
        418,
        '/a/b?c=d%20e',
        '{"x":1}',
      ]);
    }
    expect((await other.call('GET', `${base}/services/none/proxy/`)).status).toBe(404);
    expect((await other.call('GET', `${base}/services/web:99/proxy/`)).status).toBe(503);
    other.store.remove('pods', 'default', 'web-1');
    expect((await other.call('GET', `${base}/services/web/proxy/`)).json).toMatchObject({
      reason: 'ServiceUnavailable',
      message: 'no endpoints available for service "web"',
    });
    await other.close();
    backend.closeAllConnections();
    backend.close();
  });
});
