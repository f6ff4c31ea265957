import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkReachable } from '../../src/load/reach.js';

const reach = (origin: string) => checkReachable([{ origin, headers: [] }], new AbortController().signal);

describe('whether an origin can be reached', () => {
  it('can, where each connection is taken and reset at once, as by a service without ready pods', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.resetAndDestroy();
    });
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (let time = 0; time < 50; time++) await reach(origin);
  });

  it('cannot, where nobody listens', async () => {
    await expect(reach('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'E_UNREACHABLE', exitCode: 4 });
  });
});
