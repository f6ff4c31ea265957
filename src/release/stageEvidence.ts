import type { Clock } from '../base/clock.js';
import type { KubeObject } from '../base/kubernetes.js';
import type { ClusterClient } from '../cluster/client.js';
import { gatherEvidence } from '../observe/evidence.js';
import type { Observer } from '../observe/types.js';
import type { Scenario } from '../scenario/types.js';
import { callerTables } from './callerTables.js';
import type { RunEventBody } from './events.js';

export interface StageEvidenceInput {
  readonly client: ClusterClient;
  readonly scenario: Scenario;
  readonly stage: string;
  readonly observers: readonly Observer[];
  readonly readObjects: () => Promise<readonly KubeObject[]>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What is asked once about a stage that did not pass: the series beside the counts, and the routes that the caller's proxies hold. */
export async function stageEvidence({
  stage,
  observers,
  ...asked
}: StageEvidenceInput): Promise<Extract<RunEventBody, { type: 'evidence' }>> {
  const [evidence, { routes }] = await Promise.all([gatherEvidence(observers, asked.signal), callerTables(asked)]);
  return { type: 'evidence', stage, evidence, ...(routes ? { routes } : {}) };
}
