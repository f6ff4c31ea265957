import { connect } from 'node:net';
import { EnvironmentError, errorText } from '../base/errors.js';

const CONNECT_TIMEOUT_MS = 5000;

/**
 * Opens and closes one connection to each origin, so that a wrong address is said before the load and not counted a thousand times.
 * @throws EnvironmentError for the first origin that takes none.
 */
export async function checkReachable(origins: readonly string[], signal: AbortSignal): Promise<void> {
  await Promise.all([...new Set(origins)].map((origin) => reach(origin, signal)));
}

function reach(origin: string, signal: AbortSignal): Promise<void> {
  const url = new URL(origin);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve, reject) => {
    const refuse = (what: string) => {
      socket.destroy();
      reject(
        new EnvironmentError(
          'E_UNREACHABLE',
          `${origin} ${what}`,
          'Check the address and that the application is running; in a cluster, forward its port or give --base-url.',
        ),
      );
    };
    const socket = connect({ host, port, signal, timeout: CONNECT_TIMEOUT_MS });
    socket.on('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.on('timeout', () => refuse(`took no connection within ${CONNECT_TIMEOUT_MS / 1000} s`));
    // An interruption is not the server's fault; the load that follows ends at once.
    socket.on('error', (error) => (signal.aborted ? resolve() : refuse(`cannot be reached: ${errorText(error)}`)));
  });
}
