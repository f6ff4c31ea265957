import { ownerOf } from '../control/objects.js';
import type { StartProgram } from '../control/programs.js';
import { type K6Options, startK6 } from './k6Program.js';
import { STARTER_CONTAINER } from './objects.js';
import { startStarter } from './starterProgram.js';

/** What runs in the pods of TestRuns. */
export const testRunPrograms =
  (options: K6Options): StartProgram =>
  (pod, container) => {
    const { app, k6_cr: testRun } = pod.metadata.labels ?? {};
    if (app !== 'k6' || testRun === undefined || ownerOf(pod)?.kind !== 'Job') return undefined;
    return container.name === STARTER_CONTAINER
      ? (environment) => startStarter(options.store, options.logs, environment)
      : (environment) => startK6(options, environment);
  };
