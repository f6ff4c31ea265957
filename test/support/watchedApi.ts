import { writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { PitstopLab } from './release.js';

export interface WatchedApi {
  /** Path of a kubeconfig that leads here. */
  readonly kubeconfig: string;
  /** `GET /api/v1/...`, port-forwards included. */
  readonly asked: readonly string[];
}

let servers = 0;

/**
 * Stands before the lab's API server, keeps what is asked, and refuses resources as for credentials without the right to list them.
 * @param forbidden names of resources, or what tells it of a path.
 */
export async function watchedApi(
  { lab, client, dir }: Pick<PitstopLab, 'lab' | 'client' | 'dir'>,
  forbidden: readonly string[] | ((path: string) => boolean) = [],
): Promise<WatchedApi> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(client.server);
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    asked.push(`${method} ${url}`);
    const path = url.split('?')[0] ?? '';
    const resource = path.split('/').at(-1) ?? '';
    if (typeof forbidden === 'function' ? forbidden(path) : forbidden.includes(resource)) {
      const message = `${resource} is forbidden: User "reader" cannot list resource "${resource}"`;
      const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403, message };
      outgoing.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(status));
      return;
    }
    const onward = request({ hostname, port, path: url, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (incoming, socket) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const onward = connect(Number(port), hostname, () => {
      const headers = incoming.rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
      onward.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${headers.join('')}\r\n`);
      socket.pipe(onward).pipe(socket);
    });
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const kubeconfig = join(dir, `kubeconfig-watched-${++servers}`);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(kubeconfig, lab.kubeconfig.replaceAll(client.server, url));
  return { kubeconfig, asked };
}
