import type { Clock } from '../base/clock.js';
import { ConfigError } from '../base/errors.js';
import { mostSenders } from './demand.js';
import { startEngine } from './engine.js';
import type { K6LoadOptions } from './k6/run.js';
import type { LoadRun } from './loadRun.js';
import { pacedClock } from './pacedClock.js';
import { prepareRequests } from './requests.js';
import { createSchedule } from './schedule.js';
import { ThreadedLoad } from './threadedLoad.js';
import type { LoadSpec } from './types.js';
import { undiciLacks } from './undiciWire.js';

export interface StartOptions extends Omit<K6LoadOptions, 'program'> {
  /** For the engine k6, which cannot do without. */
  readonly k6?: K6LoadOptions['program'] | undefined;
}

/** Starts a load with the engine of its spec. @throws as `startLoad` and `startK6Load`. */
export async function startWithEngine(spec: LoadSpec, { k6, ...options }: StartOptions): Promise<LoadRun> {
  if (spec.engine !== 'k6') return startLoad(spec, options);
  if (!k6) throw new Error('the engine k6 needs its program');
  const { startK6Load } = await import('./k6/run.js');
  return startK6Load(spec, { ...options, program: k6 });
}

/**
 * Starts sending at once.
 * @throws ConfigError when a URI cannot be resolved, or the engine lacks what is asked for.
 */
export function startLoad(spec: LoadSpec, { clock }: { clock: Clock }): LoadRun {
  const lacks = spec.engine === 'undici' ? undiciLacks(spec) : [];
  if (lacks.length > 0) throw new ConfigError(lacks);
  const threads = Math.min(spec.workers ?? 1, mostSenders(spec.model));
  if (threads === 1) return spec.precise ? startPaced(spec, clock) : startEngine(spec, { clock });
  // Whatever is wrong with it is said here, and not by each thread.
  const uris = prepareRequests(spec).map(({ name }) => name);
  createSchedule(spec);
  return new ThreadedLoad(spec, threads, uris, { clock });
}

function startPaced(spec: LoadSpec, systemClock: Clock): LoadRun {
  const clock = pacedClock(systemClock);
  try {
    const run = startEngine(spec, { clock, ready: clock.ready });
    void run.finished.finally(clock.close);
    return run;
  } catch (error) {
    void clock.close();
    throw error;
  }
}
