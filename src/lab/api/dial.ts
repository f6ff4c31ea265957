import { connect, type Socket } from 'node:net';
import { errorText } from '../../base/errors.js';
import type { ApiContext } from './context.js';

/** Opens a connection to a port of the pod that is being forwarded. @throws Error with the text for the error stream. */
export type Dial = (port: number) => Promise<Socket>;

/** Dials ports of one pod, resolved anew for every connection: the pod may have been replaced meanwhile. */
export function dialer(context: Pick<ApiContext, 'store' | 'resolvePodPort'>, namespace: string, pod: string): Dial {
  return (port) => {
    const uid = context.store.get('pods', namespace, pod)?.metadata.uid ?? '';
    const failed = (why: string) => new Error(`error forwarding port ${port} to pod ${pod}, uid ${uid}: ${why}`);
    const place = context.resolvePodPort(namespace, pod, port);
    if (!place) {
      const why = `failed to connect to localhost:${port} inside namespace "${namespace}": connection refused`;
      return Promise.reject(failed(why));
    }
    return new Promise((resolve, reject) => {
      const socket = connect(place.port, place.host);
      socket.once('connect', () => resolve(socket));
      socket.once('error', (error) => reject(failed(errorText(error))));
    });
  };
}
