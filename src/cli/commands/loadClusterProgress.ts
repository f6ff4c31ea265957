import { formatPercent } from '../../base/units.js';
import type { LoadSpec } from '../../load/types.js';
import type { HeavyEvent } from '../../release/heavyTypes.js';
import type { Io } from '../io.js';

const CLEAR_LINE = '\r\u001b[K';
const PLAIN_SECONDS = 5;

const STAGES: Readonly<Record<string, string>> = {
  initialization: 'the operator checks the script',
  initialized: 'the script is good',
  created: 'the runners are being started',
  started: 'all runners send',
  stopped: 'all runners have ended',
  finished: 'the operator is done',
};

export interface HeavyProgress {
  readonly show: (event: HeavyEvent) => void;
  /** Something could not be deleted. */
  leftBehind(): boolean;
  close(): void;
}

/** Tells how a load from a cluster goes: what changes at once, counts every second on a terminal, elsewhere every five. */
export function heavyProgress(io: Io, { durationMs, maxRequests }: LoadSpec, parallelism: number): HeavyProgress {
  const { isTTY } = io.stderr;
  let before = { seconds: 0, ended: 0 };
  let nextPlain = PLAIN_SECONDS;
  let left = false;
  let told = '';
  const line = (text: string) => io.stderr.write(`${isTTY ? CLEAR_LINE : ''}${text}\n`);
  const heard = () =>
    line('stopping: runners end, counters are read, everything is deleted; another signal leaves at once');
  io.signal.addEventListener('abort', heard, { once: true });

  function counts({ seconds, running, merged }: Extract<HeavyEvent, { type: 'progress' }>): void {
    if (!isTTY && seconds < nextPlain && running > 0) return;
    nextPlain = seconds + PLAIN_SECONDS;
    const { ended, failed, dropped, sent } = merged.counts;
    const rate = seconds > before.seconds ? (ended - before.ended) / (seconds - before.seconds) : 0;
    before = { seconds, ended };
    const whole = durationMs === undefined ? '' : ` of ${durationMs / 1000}`;
    const text = [
      `${seconds.toFixed(0)}${whole} s`,
      ...(running > 0 ? [`${rate.toFixed(0)} requests/s`] : []),
      `${failed} failed`,
      `${formatPercent(sent === 0 ? 0 : merged.late / sent)} late`,
      ...(dropped > 0 ? [`${dropped} dropped`] : []),
      `${ended}${maxRequests === undefined ? '' : ` of ${maxRequests}`} ended`,
      `${running} of ${parallelism} runners`,
    ].join('  ');
    if (text === told) return;
    told = text;
    if (isTTY) io.stderr.write(`${CLEAR_LINE}${text.slice(0, Math.max(1, io.stderr.columns - 1))}`);
    else line(text);
  }

  return {
    show(event) {
      switch (event.type) {
        case 'created':
          return line(`${event.object} created`);
        case 'stage':
          return line(`${event.stage || 'created'} after ${event.seconds.toFixed(1)} s: ${STAGES[event.stage] ?? ''}`);
        case 'note':
          return line(event.text);
        case 'progress':
          return counts(event);
        case 'restored':
          for (const { object, result, note } of event.objects) {
            left ||= result === 'failed';
            line(`${object} ${result}${note ? ` (${note})` : ''}`);
          }
      }
    },
    leftBehind: () => left,
    close() {
      io.signal.removeEventListener('abort', heard);
      if (isTTY) io.stderr.write(CLEAR_LINE);
    },
  };
}
