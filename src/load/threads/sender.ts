import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.js';
import { startEngine } from '../engine.js';
import { pacedClock } from '../pacedClock.js';
import type { FromSender, SenderData, ToSender } from './messages.js';
import { THREAD_ORIGIN_MS } from './monotonic.js';

const SNAPSHOT_MS = 200;

/** One of several threads that send parts of one load: an engine of its own, driven by messages. */
const { spec, share } = workerData as SenderData;
const paced = spec.precise ? pacedClock(systemClock) : undefined;
const tell = (message: FromSender) => parentPort?.postMessage(message);
let run: ReturnType<typeof startEngine> | undefined;
let window = 0;

const tellSnapshot = () => {
  if (run) tell({ type: 'snapshot', window, snapshot: run.snapshot() });
};

parentPort?.on('message', (message: ToSender) => {
  switch (message.type) {
    case 'start': {
      run = startEngine(spec, { clock: paced ?? systemClock, share, startedAt: message.at - THREAD_ORIGIN_MS });
      const snapshots = setInterval(tellSnapshot, SNAPSHOT_MS);
      void run.finished.then(() => {
        clearInterval(snapshots);
        tellSnapshot();
        tell({ type: 'finished' });
      });
      return;
    }
    case 'pause':
      void run?.pause().then(() => {
        tellSnapshot();
        tell({ type: 'paused', id: message.id });
      });
      return;
    case 'resume':
      run?.resume();
      return;
    case 'fresh-share':
      run?.setFreshShare?.(message.share);
      return;
    case 'reset-window':
      run?.resetWindow();
      window = message.window;
      return;
    case 'stop':
      void run?.stop();
  }
});
await paced?.ready;
tell({ type: 'ready' });
