import { Duplex, PassThrough } from 'node:stream';
import { errorText } from '../base/errors.js';
import type { ClusterClient } from './client.js';
import { type HttpAnswer, httpRequest } from './http.js';

/**
 * One GET to a port of a pod, through the API server's port-forward, as `kubectl port-forward` would do it.
 * @throws Error when the pod or the port cannot be reached.
 */
export async function podGet(
  client: ClusterClient,
  namespace: string,
  pod: string,
  port: number,
  path: string,
  timeoutMs = 5000,
): Promise<HttpAnswer> {
  const { PortForward } = await import('@kubernetes/client-node');
  const fromPod = new PassThrough();
  const toPod = new PassThrough();
  const complaints = new PassThrough();
  const socket = Duplex.from({ readable: fromPod, writable: toPod });
  // The request hears of errors while it runs; they may also come before or after it.
  socket.on('error', () => {});
  const refused = new Promise<never>((_resolve, reject) => {
    complaints.on('data', (chunk: Buffer) => reject(new Error(chunk.toString('utf8').trim())));
  });
  refused.catch(() => {});
  const connecting = new PortForward(client.kubeConfig).portForward(namespace, pod, [port], fromPod, complaints, toPod);
  const connection = await connecting.catch((error: unknown) => {
    throw new Error(
      `port-forward to ${namespace}/${pod}:${port}: ${errorText(error instanceof Error ? error : (error as { message?: unknown }).message)}`,
    );
  });
  const webSocket = typeof connection === 'function' ? connection() : connection;
  if (webSocket) {
    webSocket.onclose = () => fromPod.end();
    webSocket.onerror = () => fromPod.end();
  }
  try {
    const answer = httpRequest(new URL(`http://pod.invalid${path}`), {
      method: 'GET',
      headers: { host: `localhost:${port}`, connection: 'close' },
      socket,
      timeoutMs,
    });
    answer.catch(() => {});
    return await Promise.race([answer, refused]);
  } finally {
    webSocket?.close();
    socket.destroy();
  }
}
