import { startLoad } from './engine.js';
import type { K6LoadOptions } from './k6/run.js';
import type { LoadRun } from './loadRun.js';
import type { LoadSpec } from './types.js';

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
