import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { expect } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { millis } from '../../src/base/units.js';
import type { ClientCounts, LoadSpec } from '../../src/load/types.js';
import type { UriEntry } from '../../src/scenario/types.js';

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

const closed = (server: Server | TcpServer) => new Promise<void>((resolve) => server.close(() => resolve()));

/** A real HTTP server on a free port. */
export async function serveHttp(listener: RequestListener): Promise<Served> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      return closed(server);
    },
  };
}

/** A real TCP server on a free port: for answers that no HTTP server would give. */
export async function serveTcp(onRequest: (socket: Socket) => void): Promise<Served> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => onRequest(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      for (const socket of sockets) socket.destroy();
      return closed(server);
    },
  };
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await closed(server);
  return port;
}

/** Polls until the condition holds; fails after `deadlineMs`. */
export async function until(condition: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const deadline = systemClock.now() + deadlineMs;
  while (!(await condition())) {
    if (systemClock.now() > deadline) throw new Error(`not reached within ${deadlineMs} ms: ${condition}`);
    await systemClock.sleepUntil(millis(systemClock.now() + 5));
  }
}

export const uri = (target: string, extra: Partial<UriEntry> = {}): UriEntry => ({
  method: 'GET',
  target,
  headers: {},
  line: 1,
  ...extra,
});

/** A closed loop of two users without think time; everything else can be overridden. */
export const loadSpec = (baseUrl: string, extra: Partial<LoadSpec> = {}): LoadSpec => ({
  baseUrl,
  uris: [uri('/')],
  variables: {},
  model: { kind: 'closed', users: 2, thinkTime: { kind: 'constant', ms: millis(0) } },
  order: 'round-robin',
  seed: 7,
  timeoutMs: 5000,
  marker: undefined,
  defaultVersion: undefined,
  ...extra,
});

/** Every sent request that ended is in exactly one account, by sum and by URI. */
export function expectBalanced(counts: ClientCounts): void {
  const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
  const accounts = (books: Pick<ClientCounts, 'versions' | 'unmarked' | 'failed'>) =>
    sum(Object.values(books.versions)) + books.unmarked + books.failed;
  expect(accounts(counts)).toBe(counts.ended);
  expect(sum(counts.byUri.map(accounts))).toBe(counts.ended);
  const { 'offline-page': _offline, ...broken } = counts.errors;
  expect(sum(Object.values(counts.status)) + sum(Object.values(broken))).toBe(counts.ended);
}
