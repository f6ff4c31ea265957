import { type Fields, number, text } from './read.js';

/** What a sidecar does with a port: `detect` looks at the first bytes of each connection. */
export type PortProtocol = 'http' | 'tcp' | 'detect' | 'udp';

const HTTP_WORDS = new Set(['http', 'http2', 'grpc']);
const TCP_WORDS = new Set(['tcp', 'https', 'tls', 'mongo', 'redis', 'mysql']);
/** Ports where the server speaks first, so that detection would hang: SMTP, DNS, MySQL, MongoDB (Istio's list). */
const SERVER_FIRST_PORTS = new Set([25, 53, 3306, 27017]);
const APP_PROTOCOLS: Readonly<Record<string, PortProtocol>> = {
  'kubernetes.io/h2c': 'http',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'tcp',
};

/** A port for connections that are encrypted already: routed by their server name. */
export function isTls(port: Fields): boolean {
  const name = (text(port.appProtocol) ?? text(port.name) ?? '').toLowerCase();
  return name === 'kubernetes.io/wss' || isTlsProtocol(name.split('-', 1)[0] ?? '');
}

export const isTlsProtocol = (word: string): boolean => ['https', 'tls'].includes(word.toLowerCase());

/** Istio's protocol selection for a Service port: appProtocol beats the name, a name counts up to its first `-`. */
export function portProtocol(port: Fields): PortProtocol {
  if (text(port.protocol) === 'UDP') return 'udp';
  const appProtocol = text(port.appProtocol);
  const known = appProtocol === undefined ? undefined : APP_PROTOCOLS[appProtocol];
  if (known) return known;
  const name = (appProtocol ?? text(port.name) ?? '').toLowerCase();
  const word = name.split('-', 1)[0] ?? '';
  if (HTTP_WORDS.has(word)) return 'http';
  if (TCP_WORDS.has(word)) return 'tcp';
  if (word === 'udp') return 'udp';
  return SERVER_FIRST_PORTS.has(number(port.port) ?? 0) ? 'tcp' : 'detect';
}

const ENTRY_PROTOCOLS: Readonly<Record<string, PortProtocol>> = {
  http: 'http',
  http2: 'http',
  grpc: 'http',
  'grpc-web': 'http',
  tcp: 'tcp',
  tls: 'tcp',
  https: 'tcp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
  udp: 'udp',
};

/** Of a ServiceEntry's port, whose protocol is written out; an unknown word is detected. */
export const entryProtocol = (protocol: string): PortProtocol => ENTRY_PROTOCOLS[protocol.toLowerCase()] ?? 'detect';
