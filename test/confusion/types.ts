import type { KubeObject } from '../../src/base/kubernetes.js';
import type { ClusterClient } from '../../src/cluster/client.js';
import type { CauseCode } from '../../src/judge/types.js';
import type { Lab, LabOptions } from '../../src/lab/lab.js';
import type { ObjectRef, Scenario, Stage } from '../../src/scenario/types.js';
import type { Rename } from './world.js';

/** Where a cause comes from: wrong objects, a switch of the lab, or counts that are written down because the lab cannot produce them. */
type How = 'objects' | 'lab' | 'recorded';

/** What happens to the cluster while a stage is judged. */
export interface Incident {
  readonly when: 'stage-started' | 'window-opened';
  readonly afterMs: number;
  /** @param rename to the names of the run's world. */
  act(client: ClusterClient, rename: Rename): Promise<void>;
}

/** One run of one stage on a lab of its own. */
export interface Trial {
  readonly title: string;
  /** The objects of the application, wrong in one way; default: as they should be. */
  readonly change?: (objects: readonly KubeObject[]) => readonly KubeObject[];
  /** What is there until the stage replaces it. */
  readonly before?: readonly KubeObject[];
  /** Switches of the lab. */
  readonly lab?: Partial<LabOptions>;
  readonly stage?: Partial<StageParts>;
  readonly scenario?: Partial<Scenario>;
  readonly incident?: Incident;
  /** The judge is asked for causes of the recorded counts although the stage passes. */
  readonly evenIfPassed?: true;
}

export interface StageParts extends Omit<Stage, 'apply' | 'delete' | 'name'> {
  /** Which of the objects the stage applies, `Kind/name`; the others are there before. */
  readonly applies: readonly string[];
  readonly deletes: readonly Pick<ObjectRef, 'kind' | 'name'>[];
}

/** A cause of the catalogue. */
export interface Entry {
  /** 1 to 37 */
  readonly number: number;
  readonly code: CauseCode;
  /** What it means, for the table. */
  readonly means: string;
  /** How it is produced, for the table. */
  readonly produced: string;
  readonly how: How;
  /** Ways to make this mistake; seed n takes the n-th, in turns. */
  readonly trials: readonly [Trial, ...Trial[]];
  /** So wrong that its cause must be named within the time of the goal. */
  readonly gross?: true;
}

/** A lab as a run needs it. */
export type LabHandle = Pick<Lab, 'kubeconfig' | 'baseUrl' | 'prometheusUrl' | 'kialiUrl'> & { close(): Promise<void> };

/** Where labs come from; options that go to another process must be plain data. */
export type StartLab = (options: LabOptions) => Promise<LabHandle>;
