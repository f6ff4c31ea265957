import path from 'node:path';
import { type Clock, systemClock } from '../../base/clock.js';
import { millis } from '../../base/units.js';
import type { RunEvent } from '../../release/events.js';
import { RunFold } from '../model.js';
import { type Line, line, renderLine } from './line.js';
import { eventLines, stateLine } from './plain.js';
import { progressBlock } from './progress.js';
import { runResult, stageResult } from './results.js';

/** Where a view writes; the shape of the command line's own outputs. */
export interface Screen {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
  /** False under NO_COLOR. */
  readonly color: boolean;
}

export interface LiveViewOptions {
  /** The run's folder as the user would type it; named at the end. */
  readonly reportDir: string;
  /** With the statistics of every check at the end; default false. */
  readonly verbose?: boolean;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export interface LiveView {
  push(event: RunEvent): void;
  /** A line of its own, above what is redrawn. */
  note(text: string): void;
  /** Ends the live block and prints the result of the run; idempotent. */
  close(): void;
}

const REDRAW_MS = 100;
const LOOK_LINE_MS = 5_000;
const SILENCE_MS = 30_000;

/**
 * Follows a run on a terminal: one block that is redrawn at most ten times a second while finished stages stay above it; without
 * a terminal a line per event of interest, a look at most every 5 s, and never more than 30 s of silence.
 */
export function liveView(out: Screen, { reportDir, verbose = false, clock = systemClock }: LiveViewOptions): LiveView {
  const fold = new RunFold();
  const stop = new AbortController();
  let started = false;
  const sink = out.isTTY ? new BlockSink(out, clock) : new LogSink(out, clock);
  const tickEvery = out.isTTY ? REDRAW_MS : LOOK_LINE_MS;
  void (async () => {
    while (!stop.signal.aborted) {
      await clock.sleepUntil(millis(clock.now() + tickEvery), stop.signal);
      if (started && !stop.signal.aborted) sink.tick(fold);
    }
  })();
  return {
    push(event) {
      fold.push(event);
      started = true;
      sink.push(event, fold);
    },
    note: (text) => sink.note([line(text)]),
    close() {
      if (stop.signal.aborted) return;
      stop.abort();
      sink.end();
      if (!started) return;
      for (const one of runResult(fold.model, path.join(reportDir, 'index.html'), out.columns, verbose)) {
        out.write(`${renderLine(one, out.color)}\n`);
      }
    },
  };
}

interface Sink {
  push(event: RunEvent, fold: RunFold): void;
  note(lines: readonly Line[]): void;
  tick(fold: RunFold): void;
  end(): void;
}

/** One block at the bottom of the screen; what is finished scrolls above it. */
class BlockSink implements Sink {
  readonly #out: Screen;
  readonly #clock: Clock;
  #height = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(out: Screen, clock: Clock) {
    this.#out = out;
    this.#clock = clock;
  }

  push(event: RunEvent, fold: RunFold): void {
    if (event.type === 'stage-finished') {
      const stage = fold.model.stages.find(({ name }) => name === event.stage);
      if (stage) this.note(stageResult(stage));
    } else if (event.type === 'interrupted' || event.type === 'failed' || event.type === 'unreachable') {
      this.note(eventLines(event, fold.model));
    }
    this.tick(fold);
  }

  tick(fold: RunFold): void {
    if (this.#clock.now() - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = this.#clock.now();
    // One column stays free: a line that fills the row would wrap on some terminals.
    const width = Math.max(20, this.#out.columns - 1);
    const lines = progressBlock(fold.model, this.#clock.wallMs(), width).map((one) =>
      renderLine(one, this.#out.color, width),
    );
    this.#out.write(`${this.#erase()}${lines.map((text) => `${text}\n`).join('')}`);
    this.#height = lines.length;
  }

  end(): void {
    const erase = this.#erase();
    if (erase) this.#out.write(erase);
  }

  note(lines: readonly Line[]): void {
    const text = lines.map((one) => `${renderLine(one, this.#out.color)}\n`).join('');
    this.#out.write(`${this.#erase()}${text}`);
    this.#drawnAt = Number.NEGATIVE_INFINITY;
  }

  /** Cursor to the first line of the block, everything below it gone. */
  #erase(): string {
    const height = this.#height;
    this.#height = 0;
    return height === 0 ? '' : `\u001b[${height}A\r\u001b[J`;
  }
}

/** A log: lines that stand for themselves. */
class LogSink implements Sink {
  readonly #out: Screen;
  readonly #clock: Clock;
  #lookAt = Number.NEGATIVE_INFINITY;
  #writtenAt: number;

  constructor(out: Screen, clock: Clock) {
    this.#out = out;
    this.#clock = clock;
    this.#writtenAt = clock.now();
  }

  push(event: RunEvent, fold: RunFold): void {
    if (event.type === 'look' || event.type === 'soak-look') {
      const now = this.#clock.now();
      // The settled look is told by the stage's result.
      if (event.look.settled || now - this.#lookAt < LOOK_LINE_MS) return;
      this.#lookAt = now;
      this.note([stateLine(fold.model, event.at)]);
      return;
    }
    // The model is folded for lines that need it only: looks are many, lines are few.
    this.note(eventLines(event, fold.model));
  }

  tick(fold: RunFold): void {
    if (this.#clock.now() - this.#writtenAt < SILENCE_MS - LOOK_LINE_MS) return;
    this.note([stateLine(fold.model, this.#clock.wallMs())]);
  }

  end(): void {}

  note(lines: readonly Line[]): void {
    if (lines.length === 0) return;
    this.#writtenAt = this.#clock.now();
    for (const one of lines) this.#out.write(`${renderLine(one, this.#out.color)}\n`);
  }
}
