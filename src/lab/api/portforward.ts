import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ApiContext } from './context.js';
import { type Dial, dialer } from './dial.js';
import { serveSpdy } from './spdy.js';
import { ApiStatusError, badRequest, notFound, unknownPath } from './status.js';
import type { Target } from './target.js';
import { serveWebSocket } from './websocket.js';

interface Upgrade {
  readonly target: Target | undefined;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/**
 * Takes over a connection that asks for an upgrade: `POST|GET .../pods/{name}/portforward` by SPDY/3.1, by SPDY inside a
 * WebSocket, or by the channel protocol of WebSocket clients.
 * @throws ApiStatusError 404 for other paths and unknown pods, 400 for other upgrades; nothing has been written then.
 */
export function acceptPortForward(context: ApiContext, { target, query, request, socket, head }: Upgrade): void {
  if (target?.entry.resource !== 'pods' || target.subresource !== 'portforward') throw unknownPath();
  const { namespace = '', name = '' } = target;
  const pod = context.store.get('pods', namespace, name);
  if (!pod) throw notFound(target.entry, name);
  upgrade(dialer(context, namespace, name), { query, request, socket, head });
}

/** Serves a port-forward whose pod is known. @throws ApiStatusError 400 and 403 for upgrades that are not served. */
export function upgrade(dial: Dial, { query, request, socket, head }: Omit<Upgrade, 'target'>): void {
  const wanted = (request.headers.upgrade ?? '').toLowerCase();
  if (wanted === 'websocket') {
    serveWebSocket({ query, request, socket, head, dial });
    return;
  }
  if (wanted !== 'spdy/3.1') throw badRequest(`unable to upgrade: missing upgrade headers in request: ${wanted}`);
  const protocols = String(request.headers['x-stream-protocol-version'] ?? '');
  if (protocols && !protocols.split(',').some((protocol) => protocol.trim() === 'portforward.k8s.io')) {
    throw new ApiStatusError(
      403,
      'Forbidden',
      `unable to upgrade: unable to negotiate protocol: client supports [${protocols}], server accepts [portforward.k8s.io]`,
    );
  }
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n',
  );
  if (head.length > 0) socket.unshift(head);
  serveSpdy(socket, dial);
}
