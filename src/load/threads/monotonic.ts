/**
 * What this thread's `performance.now()` must be given to be the process' monotonic time, ms: every thread counts from its own start.
 * Between the two readings the thread may be put aside; the pair that lay closest together is taken.
 */
export const THREAD_ORIGIN_MS = Math.max(
  ...Array.from({ length: 20 }, () => Number(process.hrtime.bigint()) / 1e6 - performance.now()),
);
