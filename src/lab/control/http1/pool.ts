import type { Dial } from '../network.js';
import { Connection, type HttpRequest, type ResponseHandler } from './connection.js';

/** A request under way. */
export interface Call {
  /** True as soon as a connection carried it. */
  readonly connected: boolean;
  /** Ends it by closing its connection; the handler hears nothing more. */
  cancel(): void;
}

/**
 * Keep-alive HTTP/1.1 connections to one address, as many as there are requests at a time, the most recently used
 * first. Idle ones stay until the pool or the server closes them.
 */
export class HttpPool {
  private readonly dial: () => Dial | Promise<Dial>;
  private readonly idle: Connection[] = [];
  private readonly all = new Set<Connection>();
  private closing = false;

  /** @param dial where a connection leads, asked once for each; a throw or rejection is a failed connection. */
  constructor(dial: () => Dial | Promise<Dial>) {
    this.dial = dial;
  }

  request(request: HttpRequest, handler: ResponseHandler): Call {
    const reused = this.takeIdle();
    if (reused) return this.send(reused, request, handler);
    let dial: Dial | Promise<Dial>;
    try {
      dial = this.dial();
    } catch (error) {
      dial = Promise.reject(error);
    }
    if (!(dial instanceof Promise)) return this.send(this.open(dial), request, handler);
    return this.sendLater(dial, request, handler);
  }

  /** Closes idle connections now and the others after their response. */
  retire(): void {
    this.closing = true;
    for (const connection of this.idle.splice(0)) connection.socket.destroy();
  }

  /** Cuts every connection, which fails the requests under way. */
  close(): void {
    this.closing = true;
    this.idle.length = 0;
    for (const connection of [...this.all]) connection.socket.destroy();
  }

  private takeIdle(): Connection | undefined {
    let connection = this.idle.pop();
    while (connection && !connection.usable) connection = this.idle.pop();
    return connection;
  }

  private open(dial: Dial): Connection {
    const connection = new Connection(
      dial,
      (free) => {
        if (this.closing) free.socket.destroy();
        else this.idle.push(free);
      },
      (gone) => {
        this.all.delete(gone);
        const index = this.idle.indexOf(gone);
        if (index >= 0) this.idle.splice(index, 1);
      },
    );
    this.all.add(connection);
    return connection;
  }

  private send(connection: Connection, request: HttpRequest, handler: ResponseHandler): Call {
    connection.send(request, handler);
    return {
      get connected() {
        return connection.connected;
      },
      cancel: () => {
        // The connection may serve somebody else by now.
        if (connection.serves(handler)) connection.destroy();
      },
    };
  }

  private sendLater(dial: Promise<Dial>, request: HttpRequest, handler: ResponseHandler): Call {
    let call: Call | undefined;
    let cancelled = false;
    dial.then(
      (real) => {
        if (!cancelled) call = this.send(this.open(real), request, handler);
      },
      (error: unknown) => {
        if (!cancelled) handler.onFailure('connect', error instanceof Error ? error : new Error(String(error)));
      },
    );
    return {
      get connected() {
        return call?.connected ?? false;
      },
      cancel: () => {
        cancelled = true;
        call?.cancel();
      },
    };
  }
}
