import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { dialer } from '../api/dial.js';
import { upgrade } from '../api/portforward.js';
import { ApiStatusError } from '../api/status.js';
import { closeServer, listen } from '../control/httpServer.js';
import type { Store } from '../control/store.js';
import type { ResolvePodPort } from '../control/types.js';
import { NODE_CERTIFICATE, NODE_KEY } from './certificate.js';

export interface KubeletServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * What an API server asks a node's kubelet for: port-forwards, as `/portForward/{namespace}/{pod}?port=N` by SPDY or WebSocket
 * (k8s.io/kubelet, pkg/cri/streaming). Everything else is a 404.
 */
export async function startKubeletServer(store: Store, resolvePodPort: ResolvePodPort): Promise<KubeletServer> {
  const upgraded = new Set<Duplex>();
  const server: Server = createServer({ cert: NODE_CERTIFICATE, key: NODE_KEY }, (_request, response) => {
    response.writeHead(404).end('404 page not found\n');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => upgraded.delete(socket));
    const url = new URL(request.url ?? '/', 'https://lab');
    const [, , namespace = '', pod = ''] = /^\/(portForward)\/([^/]+)\/([^/]+)/.exec(url.pathname) ?? [];
    try {
      if (!store.get('pods', namespace, pod))
        throw new ApiStatusError(404, 'NotFound', `pod ${namespace}/${pod} not found`);
      const query = new URLSearchParams(url.searchParams.getAll('port').map((port) => ['ports', port]));
      upgrade(dialer({ store, resolvePodPort }, namespace, pod), { query, request, socket, head });
    } catch (error) {
      const status = error instanceof ApiStatusError ? error.code : 500;
      const text = error instanceof Error ? error.message : String(error);
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
      );
    }
  });
  const port = await listen(server, 0);
  return {
    port,
    close: async () => {
      const closed = closeServer(server);
      for (const socket of upgraded) socket.destroy();
      await closed;
    },
  };
}
