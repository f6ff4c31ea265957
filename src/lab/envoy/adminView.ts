import { request as httpCall, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { httpRequest } from '../../cluster/http.js';
import { answer } from '../control/agent.js';

/** Where a listener or a host is in the cluster. */
interface Place {
  readonly address: string;
  readonly port: number;
}

export interface AdminSource {
  /** Port of Envoy's own admin interface; undefined while it is not up. */
  readonly admin: () => number | undefined;
  /** Address of a listener in the cluster, by its name; undefined: the lab has none for it. */
  readonly placeOf: (listener: string) => Place | undefined;
}

/**
 * The admin interface (port 15000) as it would be in a pod: Envoy's own answers, in which the real places of this machine
 * read as the addresses of the cluster that they stand for.
 */
export function adminView({ admin, placeOf }: AdminSource): RequestListener {
  return (request, response) => {
    const port = admin();
    const url = request.url ?? '/';
    if (port === undefined) return answer(response, 503, 'text/plain', 'the proxy is not up\n');
    if (request.method === 'GET' && (url.startsWith('/config_dump') || /^\/clusters\?.*format=json/.test(url)))
      return void translated(port, url, placeOf, response);
    pass(port, request, response);
  };
}

async function translated(
  port: number,
  url: string,
  placeOf: AdminSource['placeOf'],
  response: ServerResponse,
): Promise<void> {
  try {
    const { status, text } = await httpRequest(new URL(`http://127.0.0.1:${port}${url}`), {});
    if (status !== 200) return answer(response, status, 'text/plain', text);
    const body = JSON.stringify(withClusterAddresses(JSON.parse(text), placeOf), undefined, 1);
    answer(response, 200, 'application/json', `${body}\n`);
  } catch (error) {
    answer(response, 503, 'text/plain', `${String(error)}\n`);
  }
}

type Json = { [field: string]: unknown };
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const HOST = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/;

/** Endpoints carry their address in the cluster as host name, listeners are known by name. */
export function withClusterAddresses(value: unknown, placeOf: AdminSource['placeOf']): unknown {
  if (Array.isArray(value)) return value.map((item) => withClusterAddresses(item, placeOf));
  if (!isObject(value)) return value;
  const place = placeOfHost(value.hostname) ?? placeOfListener(value, placeOf);
  const fields = Object.entries(value).flatMap(([key, field]): [string, unknown][] => {
    if (place && key === 'hostname') return [];
    return [[key, place && key === 'address' ? socketAddress(place) : withClusterAddresses(field, placeOf)]];
  });
  return Object.fromEntries(fields);
}

function placeOfHost(hostname: unknown): Place | undefined {
  const found = typeof hostname === 'string' ? HOST.exec(hostname) : null;
  return found ? { address: found[1] ?? '', port: Number(found[2]) } : undefined;
}

const placeOfListener = (value: Json, placeOf: AdminSource['placeOf']): Place | undefined =>
  String(value['@type']).endsWith('.Listener') && typeof value.name === 'string' ? placeOf(value.name) : undefined;

const socketAddress = ({ address, port }: Place): Json => ({ socket_address: { address, port_value: port } });

function pass(port: number, request: IncomingMessage, response: ServerResponse): void {
  const call = httpCall(
    { host: '127.0.0.1', port, path: request.url, method: request.method, headers: request.headers },
    (own) => {
      response.writeHead(own.statusCode ?? 502, own.headers);
      own.pipe(response);
    },
  );
  call.on('error', (error) => {
    if (response.headersSent) response.destroy();
    else answer(response, 503, 'text/plain', `${error.message}\n`);
  });
  request.pipe(call);
}
