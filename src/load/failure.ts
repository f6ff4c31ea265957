import { errorText } from '../base/errors.js';

/** Node's and undici's error codes by what they mean to a person who reads a load test. */
const KINDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect-refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'connect-timeout',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EMFILE: 'out-of-sockets',
  ENFILE: 'out-of-sockets',
  EADDRNOTAVAIL: 'out-of-ports',
  UND_ERR_SOCKET: 'closed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'closed',
  UND_ERR_HEADERS_OVERFLOW: 'protocol',
  UND_ERR_CLOSED: 'stopped',
  UND_ERR_DESTROYED: 'stopped',
};

/** A request that was given up by the generator itself. */
export class GivenUp extends Error {
  readonly kind: 'timeout' | 'too-large';

  constructor(kind: 'timeout' | 'too-large') {
    super(kind);
    this.kind = kind;
  }
}

/** The kind of a request that ended without a complete answer: a key of `ClientCounts.errors`. */
export function failureKind(error: unknown): string {
  if (error instanceof GivenUp) return error.kind;
  if (!(error instanceof Error)) return 'other';
  // undici's parser errors carry no code when its own checks find them.
  if (error.name === 'HTTPParserError' && !('code' in error && error.code)) return 'protocol';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code.startsWith('HPE_')) return code === 'HPE_INVALID_EOF_STATE' ? 'closed' : 'protocol';
  if (/^(ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|INVALID_CA|HOSTNAME_)/.test(code))
    return 'tls';
  const known = KINDS[code];
  if (known) return known;
  if (error instanceof AggregateError && error.errors.length > 0) return failureKind(error.errors[0]);
  return error.cause === undefined ? 'other' : failureKind(error.cause);
}

/** What went wrong, for a person: the words of the system or of OpenSSL, and the code where that says more. */
export function failureReason(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const text = errorText(error);
  return code === undefined || text.includes(code) ? text : `${text} (${code})`;
}
