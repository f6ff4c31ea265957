import type { Clock } from '../base/clock.js';
import type { ClusterClient } from '../cluster/client.js';
import type { K6Program } from '../load/k6/program.js';
import type { LoadEngine } from '../load/types.js';
import type { RunEventBody } from './events.js';
import type { ObservedTarget } from './observers.js';

/** The load's engine; `none` where others send. */
export type Sender = LoadEngine | 'none';

export interface RunOptions<Engine extends Sender = LoadEngine> {
  readonly runId: string;
  readonly weighbridgeVersion: string;
  /** Names of the stages to walk, in the scenario's order. */
  readonly stages: readonly string[];
  readonly seed: number;
  readonly engine: Engine;
  /** The program of the engine k6. */
  readonly k6?: K6Program;
  /** A passed run leaves the last stage in place. */
  readonly keep: boolean;
  readonly target: ObservedTarget & { readonly kind: 'lab' | 'cluster'; readonly baseUrl: string };
  /** The write-ahead list of this run on disk. */
  readonly undoFile: string;
}

export interface RunDeps {
  readonly clock: Clock;
  readonly client: ClusterClient;
  /** Returns when the event is on disk. */
  readonly emit: (event: RunEventBody) => void;
  /** Aborted by Ctrl-C; `reason` is the signal's name. */
  readonly signal: AbortSignal;
}
