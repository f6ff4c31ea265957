import type { ControlContext, Controller } from '../control/context.js';
import type { PodLogs } from '../control/programs.js';
import { jobController } from './jobs.js';
import { testRunController } from './testRuns.js';

/** The k6-operator of the embedded cluster, and the Job controller as far as it needs one. */
export const k6Operator = (context: ControlContext, logs: PodLogs): Controller[] => [
  testRunController(context, logs),
  jobController(context),
];
