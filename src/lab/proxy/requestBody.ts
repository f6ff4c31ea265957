import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

/** Largest body that is kept for retries; a longer one is streamed and cannot be sent again. */
const REPLAY_LIMIT_BYTES = 64 * 1024;

/** A mirror copy that is this far behind is given up: it must not slow the request down, nor grow without limit. */
const COPY_LAG_BYTES = 1024 * 1024;

/**
 * A request body that several attempts and mirror copies read while it arrives. The source is paused while the attempt
 * is full; copies do not hold it back.
 */
export class RequestBody {
  private readonly source: IncomingMessage;
  private readonly readers = new Set<Readable>();
  private readonly copies = new Set<Readable>();
  private kept: Buffer[] = [];
  private ended = false;
  private failed: Error | undefined;
  private started = false;
  /** Bytes received so far. */
  bytes = 0;

  /** @param onEnd called when the whole body has arrived. */
  constructor(source: IncomingMessage, onEnd: () => void) {
    this.source = source;
    source.on('data', (chunk: Buffer) => this.receive(chunk));
    source.on('end', () => {
      this.ended = true;
      for (const reader of this.readers) reader.push(null);
      this.readers.clear();
      onEnd();
    });
    source.pause();
  }

  /** False once more than {@link REPLAY_LIMIT_BYTES} have gone by. */
  get replayable(): boolean {
    return this.bytes <= REPLAY_LIMIT_BYTES;
  }

  /** A stream of the whole body, for an attempt or for a mirror copy; only while it is replayable. */
  open(purpose: 'attempt' | 'copy'): Readable {
    const resume = () => {
      if (purpose === 'attempt') this.source.resume();
    };
    const reader = new Readable({
      read: resume,
      destroy: (error, done) => {
        this.readers.delete(reader);
        this.copies.delete(reader);
        // Whoever still reads (or nobody) must not wait for one that left.
        resume();
        done(error);
      },
    });
    reader.on('error', () => undefined);
    if (purpose === 'copy') this.copies.add(reader);
    for (const chunk of this.kept) reader.push(chunk);
    if (this.failed) reader.destroy(this.failed);
    else if (this.ended) reader.push(null);
    else this.readers.add(reader);
    if (!this.started) {
      this.started = true;
      this.source.resume();
    }
    return reader;
  }

  /** The client went away: every reader fails. */
  fail(error: Error): void {
    if (this.ended || this.failed) return;
    this.failed = error;
    for (const reader of [...this.readers]) reader.destroy(error);
  }

  private receive(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.replayable) this.kept.push(chunk);
    else this.kept = [];
    for (const reader of this.readers) {
      const full = !reader.push(chunk);
      if (full && !this.copies.has(reader)) this.source.pause();
      if (!full || !this.copies.has(reader)) continue;
      if (reader.readableLength > COPY_LAG_BYTES) reader.destroy(new Error('the copy is too slow'));
    }
  }
}
