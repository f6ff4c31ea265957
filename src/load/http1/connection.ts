import type { Socket } from 'node:net';
import { failureKind, failureReason } from '../failure.js';
import { type Carrier, CONNECTING, type Flight, LARGEST_BODY_BYTES, READING, WAITING } from '../flight.js';
import type { FlightSink } from '../wire.js';
import type { Dialer } from './dial.js';
import { EXCERPT_BYTES, type Excerpt, type Excerpts } from './excerpt.js';
import type { HeadMemo } from './headMemo.js';
import { type BodySink, DONE, FAULT, ResponseParser } from './parser.js';

/** All sockets read into this one: what is read is parsed before the next read, and nothing of it is kept. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

const TOO_LARGE = `the body is larger than ${LARGEST_BODY_BYTES / 1024 / 1024} MiB`;

/** Those that no answer needs: of ten thousand connections most are idle most of the time. */
const SPARE_PARSERS: ResponseParser[] = [];

/** What is sent for a URI. */
export interface WireRequest {
  /** The whole request. */
  readonly bytes: Buffer;
  /** Its method is HEAD. */
  readonly toHead: boolean;
  readonly memo: HeadMemo;
}

/** Takes back connections. */
export interface ConnectionOwner {
  /** It can take another request, as long as it is `usable`. @param user whose request has ended. */
  free(connection: Connection, user: number): void;
  closed(connection: Connection): void;
}

/** One socket and the request that is under way on it. */
export class Connection implements BodySink, Carrier {
  /** From 1 in the order of opening. */
  readonly id: number;
  /** The next one on its pool's shelf. */
  below: Connection | undefined;
  version = '';
  window = 0;
  born = 0;
  readonly #owner: ConnectionOwner;
  readonly #sink: FlightSink;
  readonly #socket: Socket;
  /** What ended the socket, when that is known before it is closed. */
  #failure: string | undefined;
  #reason: string | undefined;
  readonly #excerpts: Excerpts;
  /** Of an answer that takes several reads. */
  #excerpt: Excerpt | undefined;
  /** Bytes of the read that is being looked at. */
  #current = 0;
  #flight: Flight | undefined;
  /** Of the answer under way. */
  #parser: ResponseParser | undefined;
  #connected = false;
  /** Nothing that still arrives matters. */
  #done = false;

  constructor(id: number, dialer: Dialer, excerpts: Excerpts, owner: ConnectionOwner, sink: FlightSink) {
    this.id = id;
    this.#excerpts = excerpts;
    this.#owner = owner;
    this.#sink = sink;
    this.#socket = dialer
      .dial({
        buffer: READ_BUFFER,
        callback: (bytes, buffer) => {
          this.#read(buffer as Buffer, bytes);
          return true;
        },
      })
      .on(dialer.ready, () => {
        this.#connected = true;
        this.#sink.opened(this);
        if (this.#flight) this.#sink.connected(this.#flight);
      })
      .on('error', (error) => {
        this.#done = true;
        this.#failure ??= failureKind(error);
        this.#reason ??= failureReason(error);
      })
      .on('end', () => this.#finish())
      .on('close', () => {
        this.#done = true;
        this.#owner.closed(this);
        const flight = this.#flight;
        if (flight) this.#break(flight, this.#failure ?? 'closed', this.#reason);
        else this.#returnExcerpt();
      });
  }

  /** False once it is closed or about to be. */
  get usable(): boolean {
    return !this.#done;
  }

  request(flight: Flight, { bytes, toHead, memo }: WireRequest): void {
    this.#flight = flight;
    flight.carrier = this;
    flight.connection = this.id;
    flight.phase = this.#connected ? WAITING : CONNECTING;
    const parser = SPARE_PARSERS.pop() ?? new ResponseParser();
    parser.start(toHead, memo);
    this.#parser = parser;
    this.#socket.write(bytes);
  }

  abandon(): void {
    this.#endFlight();
    this.destroy();
  }

  destroy(): void {
    this.#done = true;
    this.#socket.destroy();
  }

  excerpt(): Buffer {
    return (
      this.#excerpt?.with(READ_BUFFER, this.#current) ??
      Buffer.from(READ_BUFFER.subarray(0, Math.min(this.#current, EXCERPT_BYTES)))
    );
  }

  body(buffer: Buffer, from: number, to: number): void {
    const flight = this.#flight as Flight;
    flight.bytes += to - from;
    this.#sink.received(to - from);
    if (flight.bytes <= LARGEST_BODY_BYTES) flight.scanner.push(buffer, from, to);
  }

  #read(buffer: Buffer, bytes: number): void {
    if (this.#done) return;
    const flight = this.#flight;
    const parser = this.#parser;
    if (!flight || !parser) {
      // Nobody asked: what it belongs to cannot be known, so the connection is of no more use (RFC 9112, 9.2).
      this.destroy();
      return;
    }
    if (flight.phase !== READING) {
      flight.phase = READING;
      this.#sink.began(flight);
    }
    this.#current = bytes;
    const progress = parser.feed(buffer, 0, bytes, this);
    if (flight.bytes > LARGEST_BODY_BYTES) this.#break(flight, 'too-large', TOO_LARGE);
    else if (progress === FAULT) this.#break(flight, 'protocol', parser.fault);
    else if (progress === DONE) this.#answered(flight, parser.status, parser.keepAlive && parser.offset === bytes);
    else {
      this.#excerpt ??= this.#excerpts.lend();
      this.#excerpt?.add(buffer, bytes);
    }
    this.#current = 0;
  }

  /** The server has ended the connection: a good end of an answer without a length, a bad one of any other. */
  #finish(): void {
    const flight = this.#flight;
    const parser = this.#parser;
    if (!flight || !parser) this.destroy();
    else if (parser.end() === DONE) this.#answered(flight, parser.status, false);
    else this.#break(flight, 'closed', parser.fault);
  }

  #answered(flight: Flight, status: number, reusable: boolean): void {
    this.#endFlight();
    if (reusable && !flight.fresh) this.#owner.free(this, flight.user);
    else this.destroy();
    this.#sink.answered(flight, status);
    if (this.#excerpt) this.#returnExcerpt();
  }

  #break(flight: Flight, failure: string, reason: string | undefined): void {
    this.#endFlight();
    this.destroy();
    this.#sink.broken(flight, failure, reason);
    this.#returnExcerpt();
  }

  /** Before its end is told: that may send the next request, on this connection too. */
  #endFlight(): void {
    this.#flight = undefined;
    if (this.#parser) SPARE_PARSERS.push(this.#parser);
    this.#parser = undefined;
  }

  /** After the end was told: until then its sink may ask for it. */
  #returnExcerpt(): void {
    if (!this.#excerpt) return;
    this.#excerpts.takeBack(this.#excerpt);
    this.#excerpt = undefined;
  }
}
