import { Duplex, PassThrough } from 'node:stream';
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
  complaints.on('data', (chunk: Buffer) => socket.destroy(new Error(chunk.toString('utf8').trim())));
  const forward = new PortForward(client.kubeConfig);
  const connection = await forward.portForward(namespace, pod, [port], fromPod, complaints, toPod);
  const webSocket = typeof connection === 'function' ? connection() : connection;
  if (webSocket) {
    webSocket.onclose = () => fromPod.end();
    webSocket.onerror = () => fromPod.end();
  }
  try {
    return await httpRequest(new URL(`http://pod.invalid${path}`), {
      method: 'GET',
      headers: { host: `localhost:${port}`, connection: 'close' },
      socket,
      timeoutMs,
    });
  } finally {
    webSocket?.close();
    socket.destroy();
  }
}
