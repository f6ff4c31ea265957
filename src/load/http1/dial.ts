import { isIP, connect as netConnect, type OnReadOpts, type Socket } from 'node:net';
import type { TlsTrust } from '../types.js';

/** Loaded when https is asked for: with what it needs it takes a tenth of the start, and loads inside a mesh speak plain HTTP. */
export const tls = () => process.getBuiltinModule('node:tls');

/** Opens sockets to one server. */
export interface Dialer {
  /** The socket's event after which requests can be sent. */
  readonly ready: 'connect' | 'secureConnect';
  dial(onread: OnReadOpts): Socket;
}

/** An address as `connect` takes it: the brackets of IPv6 removed. */
export function addressOf(origin: string): { readonly secure: boolean; readonly host: string; readonly port: number } {
  const { protocol, hostname, port } = new URL(origin);
  const secure = protocol === 'https:';
  return { secure, host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (secure ? 443 : 80) };
}

/**
 * The name that a server is asked for in the handshake, and that its certificate must hold: that of the own Host header if there is
 * one, so that a gateway can be reached by its address. Undefined: an address, which may not stand there (RFC 6066, 3).
 */
export function serverNameOf(origin: string, hostHeader: string | undefined): string | undefined {
  const name = hostHeader === undefined ? addressOf(origin).host : hostHeader.replace(/:\d+$/, '');
  return isIP(name.replace(/^\[|\]$/g, '')) === 0 ? name : undefined;
}

/** @param origin `http://host:port`. @param serverName as by `serverNameOf`; for https. */
export function dialer(origin: string, serverName: string | undefined, trust: TlsTrust = {}): Dialer {
  const { secure, host, port } = addressOf(origin);
  if (!secure) {
    return { ready: 'connect', dial: (onread) => netConnect({ host, port, noDelay: true, onread }) };
  }
  // Made once: certificates are not to be read again for each connection.
  const options = { ...tlsOptions(serverName, trust), host, port };
  const { connect } = tls();
  return {
    ready: 'secureConnect',
    dial(onread) {
      // The types lack `onread`, which Node hands through to the socket that it makes.
      const socket = connect({ ...options, onread } as never);
      return socket.setNoDelay(true);
    },
  };
}

/** The options of a handshake. */
export function tlsOptions(serverName: string | undefined, { ca, insecure }: TlsTrust) {
  return {
    secureContext: tls().createSecureContext(ca === undefined ? {} : { ca }),
    rejectUnauthorized: insecure !== true,
    ALPNProtocols: ['http/1.1'],
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}
