import { connect, type Socket } from 'node:net';
import { EnvironmentError, errorText } from '../base/errors.js';
import { failureKind, failureReason } from './failure.js';
import { addressOf, serverNameOf, tls, tlsOptions } from './http1/dial.js';
import { hostHeaderOf, type PreparedRequest } from './requests.js';
import type { TlsTrust } from './types.js';

const CONNECT_TIMEOUT_MS = 5000;

/**
 * Opens and closes one connection to each origin, so that a wrong address or certificate is said before the load and not counted a
 * thousand times.
 * @throws EnvironmentError for the first origin that takes none.
 */
export async function checkReachable(
  requests: readonly Pick<PreparedRequest, 'origin' | 'headers'>[],
  signal: AbortSignal,
  trust: TlsTrust = {},
): Promise<void> {
  const ways = new Map<string, readonly [origin: string, serverName: string | undefined]>();
  for (const { origin, headers } of requests) {
    const serverName = serverNameOf(origin, hostHeaderOf(headers));
    ways.set(origin.startsWith('https:') ? `${origin} ${serverName}` : origin, [origin, serverName]);
  }
  await Promise.all([...ways.values()].map(([origin, serverName]) => reach(origin, serverName, trust, signal)));
}

function reach(origin: string, serverName: string | undefined, trust: TlsTrust, signal: AbortSignal): Promise<void> {
  const { secure, host, port } = addressOf(origin);
  return new Promise((resolve, reject) => {
    const refuse = (code: string, what: string, hint: string) => {
      socket.destroy();
      reject(new EnvironmentError(code, `${origin} ${what}`, hint));
    };
    const unreachable = (what: string) =>
      refuse(
        'E_UNREACHABLE',
        what,
        'Check the address and that the application is running; in a cluster, forward its port or give --base-url.',
      );
    const socket: Socket = secure
      ? tls().connect({ host, port, ...tlsOptions(serverName, trust) })
      : connect({ host, port });
    const interrupted = () => {
      socket.destroy();
      // An interruption is not the server's fault; the load that follows ends at once.
      resolve();
    };
    if (signal.aborted) return interrupted();
    signal.addEventListener('abort', interrupted, { once: true });
    socket.setTimeout(CONNECT_TIMEOUT_MS);
    socket.once('close', () => signal.removeEventListener('abort', interrupted));
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.destroy();
      resolve();
    });
    socket.on('timeout', () => unreachable(`took no connection within ${CONNECT_TIMEOUT_MS / 1000} s`));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Taken and reset at once, as by a service without ready pods: the address is right, and what is behind it is for the requests to tell.
      if (!secure && error.code === 'ECONNRESET') return resolve();
      if (failureKind(error) !== 'tls') return unreachable(`cannot be reached: ${errorText(error)}`);
      if (/wrong version number|packet length/i.test(error.message)) {
        return refuse(
          'E_TLS',
          `does not answer in TLS: ${errorText(error)}`,
          'Write http:// if the port speaks plain HTTP.',
        );
      }
      const name = serverName === undefined ? '' : ` for ${serverName}`;
      refuse(
        'E_TLS',
        `has no certificate${name} that is trusted: ${failureReason(error)}`,
        'Name the authority that signed it by --ca FILE, or leave certificates unchecked by --insecure.',
      );
    });
  });
}
