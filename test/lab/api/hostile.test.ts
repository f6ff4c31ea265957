import { once } from 'node:events';
import { connect } from 'node:net';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../support/api-server.js';
import { runningPod } from '../../support/objects.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
  cluster.store.put('pods', runningPod('web-1', 'default'));
});
afterAll(() => cluster.close());

const alive = async () => expect((await cluster.call('GET', '/readyz')).text).toBe('ok');
const MAPS = '/api/v1/namespaces/default/configmaps';
const map = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more });

/** Sends raw bytes and returns what came back until the server closed or `expected` arrived. */
async function raw(bytes: string | Buffer, expected?: string): Promise<string> {
  const socket = connect(cluster.server.port, '127.0.0.1');
  let text = '';
  socket.on('error', () => {});
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk;
      if (expected && text.includes(expected)) resolve();
    });
    socket.on('close', () => resolve());
  });
  socket.write(bytes);
  await done;
  socket.destroy();
  return text;
}

/** A small linear congruential generator: the same bytes in every run. */
function bytes(seed: number, length: number): Buffer {
  let state = seed >>> 0;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}

describe('what no client should send', () => {
  it.each([
    ['noise instead of HTTP', 'garbage\r\n\r\n', '400 Bad Request'],
    ['a TLS handshake', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), '400 Bad Request'],
    ['a path of another form', 'GET *** HTTP/1.1\r\nHost: x\r\n\r\n', '404 Not Found'],
    [
      'an absolute URL',
      'GET http://other/api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      '404 Not Found',
    ],
    ['two slashes', 'GET //api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', '404 Not Found'],
    ['broken escapes', 'GET /api/v1/namespaces/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', '404 Not Found'],
    [
      'an upgrade to something else',
      'GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      '404',
    ],
    ['headers beyond all limits', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`, '431'],
  ])('%s is refused', async (_, sent, status) => {
    expect(await raw(sent, status)).toContain(status);
    await alive();
  });

  it.each<[string, string, string, string | undefined, Record<string, string>, number, string]>([
    ['broken JSON', 'POST', MAPS, '{"kind":', {}, 400, 'BadRequest'],
    ['no body', 'POST', MAPS, undefined, {}, 400, 'BadRequest'],
    ['a list instead of an object', 'POST', MAPS, '[]', {}, 400, 'BadRequest'],
    ['a number as metadata', 'POST', MAPS, '{"metadata":1}', {}, 400, 'BadRequest'],
    ['a number as name', 'POST', MAPS, '{"metadata":{"name":1}}', {}, 400, 'BadRequest'],
    ['broken YAML', 'POST', MAPS, 'a: [', { 'Content-Type': 'application/yaml' }, 400, 'BadRequest'],
    [
      'protobuf',
      'POST',
      MAPS,
      'k8s\0',
      { 'Content-Type': 'application/vnd.kubernetes.protobuf' },
      415,
      'UnsupportedMediaType',
    ],
    [
      'a form',
      'POST',
      MAPS,
      'a=b',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      415,
      'UnsupportedMediaType',
    ],
    ['an unknown patch type', 'PATCH', `${MAPS}/a`, '{}', { 'Content-Type': 'application/json' }, 404, 'NotFound'],
    ['an unknown kind', 'GET', '/apis/apps/v1/namespaces/default/gizmos', undefined, {}, 404, 'NotFound'],
    ['an unknown version', 'GET', '/apis/apps/v9/deployments', undefined, {}, 404, 'NotFound'],
    ['an unknown subresource', 'GET', `${MAPS}/a/gizmo`, undefined, {}, 404, 'NotFound'],
    ['a verb that is not served', 'PUT', MAPS, '{}', {}, 405, 'MethodNotAllowed'],
    ['deletion of all pods everywhere', 'DELETE', '/api/v1/pods', undefined, {}, 405, 'MethodNotAllowed'],
    ['an unknown verb', 'OPTIONS', MAPS, undefined, {}, 405, 'MethodNotAllowed'],
    ['another site driving a browser', 'GET', MAPS, undefined, { Origin: 'http://evil.example' }, 403, 'Forbidden'],
    ['a broken label selector', 'GET', `${MAPS}?labelSelector=a+b+c`, undefined, {}, 400, 'BadRequest'],
    [
      'a field selector that the kind lacks',
      'GET',
      `${MAPS}?fieldSelector=status.phase%3DRunning`,
      undefined,
      {},
      400,
      'BadRequest',
    ],
    ['a watch from no version', 'GET', `${MAPS}?watch=true&resourceVersion=abc`, undefined, {}, 400, 'BadRequest'],
    ['a watch of no length', 'GET', `${MAPS}?watch=true&timeoutSeconds=-1`, undefined, {}, 400, 'BadRequest'],
    ['an initial-events watch', 'GET', `${MAPS}?watch=true&sendInitialEvents=true`, undefined, {}, 422, 'Invalid'],
    ['an unknown dry run', 'POST', `${MAPS}?dryRun=Some`, JSON.stringify(map('x')), {}, 422, 'Invalid'],
  ])('%s gets a Status of its own', async (_, method, path, body, headers, code, reason) => {
    const answer = await cluster.call(method, path, body, headers);
    expect(answer.status).toBe(code);
    expect(answer.json).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason });
    expect(answer.json.message).not.toBe('');
  });

  it('a body of more than 3 MiB is refused whether announced or not, one of less is taken', async () => {
    const big = JSON.stringify(map('big', { data: { a: 'x'.repeat(3 * 1024 * 1024) } }));
    expect((await cluster.call('POST', MAPS, big)).json).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    const chunk = `${big.length.toString(16)}\r\n${big}\r\n`;
    const head = `POST ${MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await raw(head + chunk, '413')).toContain('413');
    const fits = map('fits', { data: { a: 'x'.repeat(2_000_000) } });
    expect((await cluster.call('POST', MAPS, fits)).status).toBe(201);
  });

  it('nesting that would overflow a stack is refused', async () => {
    const deep = `{"metadata":{"name":"deep"},"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect((await cluster.call('POST', MAPS, deep)).json).toMatchObject({ code: 400 });
    const yaml = `{metadata: {name: deep}, data: ${'{a: '.repeat(3000)}1${'}'.repeat(3000)}}`;
    expect((await cluster.call('POST', MAPS, yaml, { 'Content-Type': 'application/yaml' })).status).toBe(400);
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
      .split('')
      .map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(',')}]`)
      .join('\n')}`;
    expect((await cluster.call('POST', MAPS, bomb, { 'Content-Type': 'application/yaml' })).status).toBe(400);
  });

  it('copies that double an object in a JSON patch are bounded', async () => {
    await cluster.call('POST', MAPS, map('double', { data: { a: 'x'.repeat(1000) } }));
    const copies = Array.from({ length: 30 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/c${i}` }));
    const answer = await cluster.call('PATCH', `${MAPS}/double`, copies, {
      'Content-Type': 'application/json-patch+json',
    });
    expect(answer.status).toBe(413);
  });

  it('a key __proto__ changes no prototype and is dropped', async () => {
    const answer = await cluster.call(
      'POST',
      MAPS,
      '{"metadata":{"name":"proto"},"data":{"__proto__":{"polluted":"yes"},"a":"b"}}',
    );
    expect(answer.json.data).toEqual({ a: 'b' });
    const patch = await cluster.call(
      'PATCH',
      `${MAPS}/proto`,
      '[{"op":"add","path":"/__proto__/polluted","value":"yes"}]',
      {
        'Content-Type': 'application/json-patch+json',
      },
    );
    expect(patch.status).toBe(400);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('a client that goes away in the middle of a body, or reads no answer, does no harm', async () => {
    for (let i = 0; i < 20; i++) {
      const socket = connect(cluster.server.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(`POST ${MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"a":`);
      socket.destroy();
    }
    await alive();
  });

  it('no frame on a SPDY connection brings the server down', async () => {
    const upgrade =
      'POST /api/v1/namespaces/default/pods/web-1/portforward HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n';
    for (let seed = 0; seed < 120; seed++) {
      const socket = connect(cluster.server.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(upgrade);
      await once(socket, 'data');
      const body = seed % 3 === 0 ? deflateSync(bytes(seed, 40)) : bytes(seed, seed % 41);
      const type = seed % 12;
      const frame = Buffer.from([0x80, 3, 0, type, seed & 3, 0, 0, body.length, ...body]);
      const closed = once(socket, 'close');
      socket.end(Buffer.concat([frame, frame, bytes(seed + 1, 100)]));
      socket.resume();
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 20))]);
      socket.destroy();
    }
    await alive();
  });
});
