import type { LoadSnapshot } from '../loadRun.js';
import type { LoadSpec } from '../types.js';
import type { WorkerShare } from '../workload/types.js';

/** What a sending thread is started with. */
export interface SenderData {
  readonly spec: LoadSpec;
  readonly share: WorkerShare;
}

export type ToSender =
  /** At this monotonic time of the process, ms; the same for all, so that their parts are of one schedule. */
  | { readonly type: 'start'; readonly at: number }
  | { readonly type: 'pause'; readonly id: number }
  | { readonly type: 'resume' }
  | { readonly type: 'fresh-share'; readonly share: number }
  | { readonly type: 'reset-window'; readonly window: number }
  | { readonly type: 'stop' };

export type FromSender =
  | { readonly type: 'ready' }
  /** `window`: the number of the window that it tells of. */
  | { readonly type: 'snapshot'; readonly window: number; readonly snapshot: LoadSnapshot }
  | { readonly type: 'paused'; readonly id: number }
  | { readonly type: 'finished' };
