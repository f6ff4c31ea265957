import { parentPort, workerData } from 'node:worker_threads';
import { THREAD_ORIGIN_MS } from './monotonic.js';
import { type PacerMemory, pacerViews, READY } from './pacerMemory.js';

/** Sleeps where the timers of an event loop cannot: in a system call that ends within a tenth of a millisecond of the time it was given. */
const port = parentPort;
const { due, orders } = pacerViews(workerData as PacerMemory);
port?.postMessage(READY);
for (;;) {
  const order = Atomics.load(orders, 0);
  const wait = (due[0] as number) - THREAD_ORIGIN_MS - performance.now();
  // A new order ends the wait, and is the only thing that begins another after a wake-up was posted.
  if (wait > 0) Atomics.wait(orders, 0, order, wait);
  else {
    port?.postMessage(order);
    Atomics.wait(orders, 0, order);
  }
}
