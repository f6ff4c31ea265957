import { Duplex } from 'node:stream';
import WebSocket, { type ClientOptions } from 'ws';
import { errorText } from '../base/errors.js';
import type { ClusterClient } from './client.js';
import { type HttpAnswer, httpRequest } from './http.js';

/** Kubernetes' subprotocol: every message starts with its channel, 0 carries the bytes of the port, 1 what went wrong. */
const CHANNELS = 'v4.channel.k8s.io';
const BYTES = 0;
const COMPLAINTS = 1;

/** One GET to a port of a pod; see `podRequest`. */
export const podGet = (
  client: ClusterClient,
  namespace: string,
  pod: string,
  port: number,
  path: string,
  timeoutMs?: number,
): Promise<HttpAnswer> => podRequest(client, namespace, pod, port, { method: 'GET', path }, timeoutMs);

/**
 * One request to a port of a pod, through the API server's port-forward. Nothing stays open afterwards.
 * @param request its body is JSON.
 * @param timeoutMs for the connection, and again for the answer; default 5000.
 * @throws Error when the pod or the port cannot be reached, or does not answer in time.
 */
export async function podRequest(
  client: ClusterClient,
  namespace: string,
  pod: string,
  port: number,
  { method, path, body }: { readonly method: 'GET' | 'PATCH'; readonly path: string; readonly body?: string },
  timeoutMs = 5000,
): Promise<HttpAnswer> {
  const socket = await openTunnel(client, namespace, pod, port, timeoutMs).catch((error: unknown) => {
    throw new Error(`port-forward to ${namespace}/${pod}:${port}: ${errorText(error)}`);
  });
  try {
    return await httpRequest(new URL(`http://pod.invalid${path}`), {
      method,
      headers: {
        host: `localhost:${port}`,
        connection: 'close',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
      socket,
      timeoutMs,
    });
  } finally {
    socket.destroy();
  }
}

async function openTunnel(
  client: ClusterClient,
  namespace: string,
  pod: string,
  port: number,
  timeoutMs: number,
): Promise<Duplex> {
  const options: ClientOptions = { handshakeTimeout: timeoutMs };
  await client.kubeConfig.applyToHTTPSOptions(options as never);
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`;
  const ws = new WebSocket(client.server.replace(/^http/, 'ws').replace(/\/$/, '') + path, [CHANNELS], options);
  const socket = tunnelOver(ws);
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve);
    socket.once('error', reject);
  });
  // A refused port may be told together with the opening.
  if (socket.errored) throw socket.errored;
  return socket;
}

function tunnelOver(ws: WebSocket): Duplex {
  const socket = new Duplex({
    // The answer's size is limited by its reader, so nothing has to be held back.
    read() {},
    write: (chunk: Buffer, _encoding, done) => ws.send(Buffer.concat([Buffer.of(BYTES), chunk]), done),
    destroy(error, done) {
      ws.terminate();
      done(error);
    },
  });
  // The request hears of errors while it runs; they may also come before or after it.
  socket.on('error', () => {});
  const announced = new Set<number>();
  ws.on('message', (message: Buffer) => {
    const channel = message[0] ?? BYTES;
    // Each channel begins with the number of its port, in two bytes.
    const bytes = message.subarray(announced.has(channel) ? 1 : 3);
    announced.add(channel);
    if (bytes.length === 0) return;
    if (channel === BYTES) socket.push(bytes);
    else if (channel === COMPLAINTS) socket.destroy(new Error(bytes.toString('utf8').trim()));
  });
  ws.on('error', (error) => socket.destroy(error));
  ws.on('close', () => {
    if (!socket.destroyed) socket.push(null);
  });
  return socket;
}
