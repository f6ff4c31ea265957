import type { KubeObject } from '../base/kubernetes.js';
import type { HeldRoutes } from '../judge/causes.js';
import type { Look } from '../judge/types.js';
import type { GeneratorHealth, LatencySummary, LoadSummary } from '../load/types.js';
import type { Evidence } from '../observe/types.js';
import type { Scenario } from '../scenario/types.js';

/**
 * Everything that happens in a run, in order. The journal is these events, one JSON line each; verdicts, ledgers and causes are
 * recomputed from them through judge/, so events carry raw counts and objects, never conclusions.
 */
export type RunEvent = {
  /** Position in the journal, from 0. */ readonly seq: number /** Wall clock, ms since the epoch. */;
  readonly at: number;
} & RunEventBody;

export type RunEventBody =
  | {
      readonly type: 'run-started';
      readonly schemaVersion: 1;
      readonly runId: string;
      readonly weighbridgeVersion: string;
      /** Whole and validated, manifests included: the journal stands alone. */
      readonly scenario: Scenario;
      /** Names of the stages that this run walks. */
      readonly stages: readonly string[];
      readonly seed: number;
      readonly engine: string;
      readonly target: {
        readonly kind: 'lab' | 'cluster';
        readonly baseUrl: string;
        readonly prometheusUrl: string;
        readonly kialiUrl: string;
        readonly context: string;
      };
    }
  | {
      readonly type: 'seeded';
      readonly variables: Readonly<Record<string, string>>;
      readonly created: readonly string[];
    }
  | { readonly type: 'load-started'; readonly uris: readonly string[]; readonly mixedIn: readonly string[] }
  /** A vantage point that only accounts does not answer before the load; its looks will say no-data. */
  | { readonly type: 'unreachable'; readonly vantagePoint: string; readonly reason: string }
  | { readonly type: 'stage-started'; readonly stage: string }
  | {
      readonly type: 'changed';
      readonly stage: string;
      readonly object: string;
      readonly result: 'created' | 'configured' | 'unchanged' | 'deleted' | 'absent';
    }
  /** `outage`: the API server does not answer, and nothing goes on until it does. */
  | { readonly type: 'waiting'; readonly stage: string; readonly for: string; readonly outage?: true }
  | {
      readonly type: 'arrived';
      readonly stage: string;
      readonly ms: number;
      readonly how: 'config-dump' | 'syncz' | 'probes';
      readonly inferred: boolean;
      readonly detail: string;
      /** How tables of the caller's proxies still differed from what the objects compile to. */
      readonly behind?: string;
    }
  /** The barrier gave up: the stage is judged all the same, and the report says so. */
  | { readonly type: 'not-arrived'; readonly stage: string; readonly ms: number; readonly detail: string }
  /** Requests are no draws in this stage; from now on `share` of them gets a connection of its own, or nothing is changed because it would not help. */
  | {
      readonly type: 'fresh-connections';
      readonly stage: string;
      /** 0..1 */
      readonly share: number;
      /** False: the share is what it was. */
      readonly switched: boolean;
      /** A clause: why that helps, or why it would not. */
      readonly why: string;
      /** A sentence: for what a version is drawn. */
      readonly unit: string;
    }
  | { readonly type: 'window-opened'; readonly stage: string }
  /** Counts since window-opened; `rps` of the client since the previous look. */
  | {
      readonly type: 'look';
      readonly stage: string;
      readonly look: Look;
      readonly latency: LatencySummary;
      readonly rps: number;
      readonly generator: GeneratorHealth;
    }
  | {
      readonly type: 'window-closed';
      readonly stage: string;
      readonly reason: 'decided' | 'max-duration' | 'interrupted' | 'error';
    }
  /** The stage passed, and its load goes on: drift is watched for. */
  | { readonly type: 'soak-started'; readonly stage: string; readonly ms: number }
  /** As `look`, after the window: counts go on since window-opened. */
  | {
      readonly type: 'soak-look';
      readonly stage: string;
      readonly look: Look;
      readonly latency: LatencySummary;
      readonly rps: number;
      readonly generator: GeneratorHealth;
    }
  | {
      readonly type: 'soak-finished';
      readonly stage: string;
      readonly reason: 'over' | 'drift' | 'interrupted';
    }
  /**
   * What the cluster held: before the window opens, which tells for what a version is drawn, and when it has closed, where causes are looked
   * for.
   */
  | { readonly type: 'objects'; readonly stage: string; readonly objects: readonly KubeObject[] }
  /** What the series tell beside the counts, asked when the window of a stage that did not pass had closed; for causes. */
  | {
      readonly type: 'evidence';
      readonly stage: string;
      readonly evidence: Evidence;
      /** What the caller's proxies hold; absent: nobody could be asked. */
      readonly routes?: readonly HeldRoutes[];
    }
  | { readonly type: 'stage-finished'; readonly stage: string }
  | { readonly type: 'load-finished'; readonly summary: LoadSummary }
  | { readonly type: 'interrupted'; readonly signal: 'SIGINT' | 'SIGTERM' }
  | {
      readonly type: 'failed';
      readonly code: string;
      readonly message: string;
      readonly hint: string;
      readonly exitCode: number;
    }
  | {
      readonly type: 'restored';
      readonly objects: readonly {
        readonly object: string;
        readonly result: 'restored' | 'deleted' | 'recreated' | 'failed';
        readonly note: string;
      }[];
      readonly kept: boolean;
    }
  | { readonly type: 'run-finished' }
  /** Never written: what a reader finds instead of a last line that was cut in the middle. */
  | { readonly type: 'journal-cut' /** 1-based. */; readonly line: number };
