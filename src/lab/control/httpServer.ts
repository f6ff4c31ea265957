import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';

/** Envoy's default for idle connections; the client side gives up much earlier. */
const IDLE_MS = 3_600_000;

/** An HTTP server for many short requests of known clients; malformed input is answered with 400 and closed. */
export function httpServer(listener: RequestListener): HttpServer {
  const server = createServer(
    {
      keepAliveTimeout: IDLE_MS,
      headersTimeout: 60_000,
      requestTimeout: 0,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 64 * 1024,
      noDelay: true,
    },
    listener,
  );
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else socket.destroy();
  });
  return server;
}

/** Listens on a free port of 127.0.0.1 (or the one given). @returns the port. */
export function listen(server: NetServer, port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port, backlog: 4096 }, () => {
      server.off('error', reject);
      // Later errors (a reset while accepting) concern one connection, not the server.
      server.on('error', () => undefined);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Stops accepting, cuts every connection and waits until the port is free. */
export function closeServer(server: NetServer | HttpServer): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
}
