import type { Duplex } from 'node:stream';
import transport, { type Connection, type Stream } from 'spdy-transport';
import { errorText } from '../../base/errors.js';
import type { Dial } from './dial.js';

type Callback = (...args: unknown[]) => void;

interface SendWindow {
  update(size: number, callback?: Callback): void;
}

/** Insides of spdy-transport 3.0.0 that have to be changed for kubectl; the version is pinned by the lockfile. */
interface Insides {
  readonly _spdyState: {
    readonly window: { readonly send: SendWindow };
    readonly parser: { parseKVs(body: unknown, callback: Callback): void };
  };
}

/**
 * kubectl's SPDY library never sends WINDOW_UPDATE (moby/spdystream issue 2), so that a window would run empty after 64 KiB
 * for good. TCP's own back-pressure remains.
 */
function withoutFlowControl(sender: unknown): void {
  (sender as Insides)._spdyState.window.send.update = (_size, callback) => {
    if (callback) process.nextTick(callback);
  };
}

/** Port-forward streams are opened without `:method` and `:path`, which the parser demands. */
function withoutRequestLine(connection: Connection): void {
  const { parser } = (connection as unknown as Insides)._spdyState;
  const parse = parser.parseKVs.bind(parser);
  parser.parseKVs = (body, callback) =>
    parse(body, (error, headers) =>
      callback(error, { ':method': 'POST', ':path': '/', ...(headers as object | undefined) }),
    );
}

/** One forwarded connection: kubectl opens its error stream first, then the data stream. */
interface Pair {
  error?: Stream;
  data?: Stream;
}

const headerOf = (stream: Stream, name: string): string => String(stream.headers[name] ?? '');

function forward(port: number, data: Stream, error: Stream, dial: Dial): void {
  dial(port).then(
    (socket) => {
      const finish = (): void => {
        socket.destroy();
        error.end();
      };
      data.pipe(socket).pipe(data);
      socket.once('error', finish);
      socket.once('close', () => {
        data.end();
        finish();
      });
      data.once('error', finish);
      data.once('close', finish);
    },
    (failure: unknown) => {
      error.end(errorText(failure));
      data.end();
      data.resume();
    },
  );
}

/** Serves `portforward.k8s.io` streams on a connection that has been upgraded to SPDY/3.1. */
export function serveSpdy(socket: Duplex, dial: Dial): void {
  const connection = transport.connection.create(socket, { protocol: 'spdy', isServer: true });
  withoutFlowControl(connection);
  withoutRequestLine(connection);
  const pairs = new Map<string, Pair>();
  connection.on('stream', (stream: Stream) => {
    stream.on('error', () => {});
    withoutFlowControl(stream);
    const port = Number(headerOf(stream, 'port'));
    const id = headerOf(stream, 'requestid') || String(port);
    const type = headerOf(stream, 'streamtype');
    if (!Number.isInteger(port) || port < 1 || port > 65_535 || (type !== 'error' && type !== 'data')) {
      stream.abort();
      return;
    }
    stream.respond(200, {});
    const pair = pairs.get(id) ?? {};
    pairs.set(id, { ...pair, [type]: stream });
    const { data, error } = pairs.get(id) ?? {};
    if (type === 'error') stream.resume();
    if (!data || !error) return;
    pairs.delete(id);
    forward(port, data, error, dial);
  });
  const drop = (): void => {
    socket.destroy();
  };
  connection.on('error', drop);
  connection.on('close', drop);
  connection.start(3.1);
}
