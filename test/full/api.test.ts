import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { type Cluster, startCluster } from '../support/api-server.js';
import { runningPod } from '../support/objects.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
  cluster.store.put('pods', runningPod('web-1', 'default'));
});
afterAll(() => cluster.close());

it('a body that trickles in is answered with 408 after half a minute', async () => {
  const socket = connect(cluster.server.port, '127.0.0.1');
  socket.write('POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{');
  const trickle = setInterval(() => socket.write(' '), 500);
  const [answer] = await once(socket, 'data');
  clearInterval(trickle);
  socket.destroy();
  expect(String(answer)).toContain('408 Request Timeout');
});

it('thousands of random frames on upgraded connections leave the server as it was', async () => {
  const random = seededRandom(7);
  const byte = () => Math.floor(random() * 256);
  const upgrade =
    'POST /api/v1/namespaces/default/pods/web-1/portforward HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n';
  for (let connection = 0; connection < 400; connection++) {
    const socket = connect(cluster.server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(upgrade);
    await once(socket, 'data');
    socket.resume();
    const closed = once(socket, 'close');
    for (let frame = 0; frame < 10; frame++) {
      const body = Array.from({ length: Math.floor(random() * 60) }, byte);
      const control = random() < 0.8;
      const head = control ? [0x80, random() < 0.9 ? 3 : byte(), 0, Math.floor(random() * 11)] : [0, 0, 0, byte() % 4];
      socket.write(Buffer.from([...head, byte() & 3, 0, 0, body.length, ...body]));
    }
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 10))]);
    socket.destroy();
  }
  expect((await cluster.call('GET', '/api/v1/namespaces/default/pods/web-1')).json.metadata.name).toBe('web-1');
}, 120_000);
