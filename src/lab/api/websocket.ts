import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import { errorText } from '../../base/errors.js';
import type { Dial } from './dial.js';
import { serveSpdy } from './spdy.js';
import { ApiStatusError, badRequest } from './status.js';

/** SPDY frames inside binary messages: kubectl's first choice since 1.31. */
const TUNNEL = 'SPDY/3.1+portforward.k8s.io';
/** Every message starts with its channel: 2n carries the bytes of the n-th port, 2n+1 its error. */
const CHANNELS = 'v4.channel.k8s.io';

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const MAX_PORTS = 100;

interface WebSocketUpgrade {
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly dial: Dial;
}

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  maxPayload: MAX_MESSAGE_BYTES,
  handleProtocols: (offered) => [TUNNEL, CHANNELS].find((protocol) => offered.has(protocol)) ?? false,
});

function portsOf(query: URLSearchParams): number[] {
  const ports = query
    .getAll('ports')
    .flatMap((text) => text.split(','))
    .map(Number);
  const wrong = ports.find((port) => !Number.isInteger(port) || port < 1 || port > 65_535);
  if (ports.length === 0 || ports.length > MAX_PORTS || wrong !== undefined) {
    throw badRequest(
      `query parameter "ports" must hold 1 to ${MAX_PORTS} port numbers, found ${JSON.stringify(query.getAll('ports').join(','))}`,
    );
  }
  return ports;
}

function pump(socket: Socket, ws: WebSocket, channel: number): void {
  socket.on('data', (chunk) => {
    socket.pause();
    ws.send(Buffer.concat([Buffer.of(channel), chunk]), () => socket.resume());
  });
}

function serveChannels(ws: WebSocket, ports: readonly number[], dial: Dial): void {
  const sockets = ports.map((port, index) => {
    const marker = Buffer.alloc(2);
    marker.writeUInt16LE(port);
    ws.send(Buffer.concat([Buffer.of(2 * index), marker]));
    ws.send(Buffer.concat([Buffer.of(2 * index + 1), marker]));
    return dial(port);
  });
  let open = ports.length;
  const ended = (): void => {
    open -= 1;
    if (open === 0) ws.close();
  };
  sockets.forEach((dialled, index) => {
    dialled.then(
      (socket) => {
        socket.on('error', () => socket.destroy());
        socket.once('close', ended);
        if (ws.readyState !== ws.OPEN) socket.destroy();
        else pump(socket, ws, 2 * index);
      },
      (error: unknown) => {
        ws.send(Buffer.concat([Buffer.of(2 * index + 1), Buffer.from(errorText(error))]));
        ended();
      },
    );
  });
  ws.on('message', (message: Buffer) => {
    const dialled = message[0] !== undefined && message[0] % 2 === 0 ? sockets[message[0] / 2] : undefined;
    dialled?.then(
      (socket) => {
        if (socket.write(message.subarray(1))) return;
        ws.pause();
        socket.once('drain', () => ws.resume());
      },
      () => {},
    );
  });
  ws.on('error', () => ws.terminate());
  ws.on('close', () => {
    for (const dialled of sockets)
      dialled.then(
        (socket) => socket.destroy(),
        () => {},
      );
  });
}

/** Serves a port-forward over WebSocket. @throws ApiStatusError 403 for other subprotocols, 400 for wrong `ports`. */
export function serveWebSocket({ query, request, socket, head, dial }: WebSocketUpgrade): void {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  const tunnel = offered.includes(TUNNEL);
  if (!tunnel && !offered.includes(CHANNELS)) {
    const why = `unable to upgrade: client supports [${offered.join(' ')}], server accepts [${TUNNEL} ${CHANNELS}]`;
    throw new ApiStatusError(403, 'Forbidden', why);
  }
  const ports = tunnel ? [] : portsOf(query);
  server.handleUpgrade(request, socket, head, (ws) => {
    if (!tunnel) return serveChannels(ws, ports, dial);
    const stream = createWebSocketStream(ws);
    stream.on('error', () => ws.terminate());
    serveSpdy(stream, dial);
  });
}
