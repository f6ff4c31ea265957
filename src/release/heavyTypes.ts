import type { Clock } from '../base/clock.js';
import type { ClusterClient } from '../cluster/client.js';
import type { RestoredObject } from '../cluster/undo.js';
import type { MergedCounts } from '../load/k6/merge.js';
import type { TestRunObjects } from '../load/k6/testRun.js';
import type { PrometheusClient } from '../observe/prometheus.js';

export interface HeavyOptions {
  readonly runId: string;
  readonly objects: TestRunObjects;
  readonly parallelism: number;
  /** Names of the requests, in the order of the URI list. */
  readonly uris: readonly string[];
  /** Undefined: the load ends after so many requests. */
  readonly durationMs: number | undefined;
  /** From the creation to the start of the load; pods that have not started by then never will. */
  readonly startTimeoutMs: number;
  /** How often the runners write their counters, ms. */
  readonly pushMs: number;
  /** The write-ahead list on disk. */
  readonly undoFile: string;
  /** Between two looks, ms; default 1000. */
  readonly lookMs?: number;
}

export interface HeavyDeps {
  readonly client: ClusterClient;
  readonly prometheus: PrometheusClient;
  readonly clock: Clock;
  readonly emit: (event: HeavyEvent) => void;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** What happens, for whoever shows it. */
export type HeavyEvent =
  | { readonly type: 'created'; readonly object: string }
  | { readonly type: 'stage'; readonly stage: string; readonly seconds: number }
  | { readonly type: 'progress'; readonly seconds: number; readonly running: number; readonly merged: MergedCounts }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'restored'; readonly objects: readonly RestoredObject[] };
