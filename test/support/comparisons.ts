import { TestRunner } from 'vitest';
import type { PeerName } from './peers.js';

declare module 'vitest' {
  interface TaskMeta {
    /** Comparisons with each real peer that the test has made. */
    compared?: Partial<Record<PeerName, number>>;
  }
}

/** Counts answers of ours that the running test has held against a peer's, for the summary at the end of the run. */
export function compared(peer: PeerName, count = 1): void {
  const meta = TestRunner.getCurrentTest()?.meta;
  if (!meta) throw new Error('comparisons are counted inside a test');
  meta.compared ??= {};
  meta.compared[peer] = (meta.compared[peer] ?? 0) + count;
}
