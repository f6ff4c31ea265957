import type { Clock } from '../../base/clock.js';
import { millis } from '../../base/units.js';
import type { LoadRun } from '../../load/loadRun.js';
import { progressLine } from '../../load/progress.js';
import type { LoadSpec, LoadSummary } from '../../load/types.js';
import type { Io } from '../io.js';

const PLAIN_PROGRESS_SECONDS = 5;
const CLEAR_LINE = '\r\u001b[K';

/** Shows progress until the load has ended by itself or by a signal: one line every second on a terminal, elsewhere one every five. */
export async function followLoad(run: LoadRun, spec: LoadSpec, clock: Clock, io: Io): Promise<LoadSummary> {
  const ended = new AbortController();
  const interrupt = () => {
    void run.stop();
    if (!ended.signal.aborted && run.inFlight() > 0 && !io.stderr.isTTY) {
      const waits = spec.engine === 'k6' ? 'k6 cuts' : 'waiting for';
      io.stderr.write(`stopping: ${waits} what is in flight; another signal leaves at once\n`);
    }
  };
  io.signal.addEventListener('abort', interrupt, { once: true });
  if (io.signal.aborted) interrupt();
  const finished = run.finished.finally(() => ended.abort());
  const { isTTY } = io.stderr;
  const everyMs = isTTY ? 1000 : PLAIN_PROGRESS_SECONDS * 1000;
  const start = clock.now();
  let before = run.snapshot();
  for (let turn = 1; !ended.signal.aborted; turn++) {
    await clock.sleepUntil(millis(start + turn * everyMs), ended.signal);
    if (ended.signal.aborted) break;
    const now = run.snapshot();
    const line = progressLine(before, now, spec);
    io.stderr.write(isTTY ? `${CLEAR_LINE}${line.slice(0, Math.max(1, io.stderr.columns - 1))}` : `${line}\n`);
    before = now;
  }
  const summary = await finished;
  io.signal.removeEventListener('abort', interrupt);
  if (isTTY) io.stderr.write(CLEAR_LINE);
  return summary;
}
