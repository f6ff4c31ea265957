import type { LoadRun } from '../load/loadRun.js';
import { checkReachable } from '../load/reach.js';
import { seedData } from '../load/seed.js';
import { startWithEngine } from '../load/start.js';
import type { LoadSpec } from '../load/types.js';
import { mixInMarkerUris } from '../scenario/markers.js';
import { responseTimeWatch } from '../scenario/responseTimes.js';
import type { Scenario } from '../scenario/types.js';
import type { RunDeps, RunOptions } from './options.js';

/** What a scenario asks the load to send. @param variables of the seed records. */
export function loadSpecOf(
  scenario: Scenario,
  { target: { baseUrl }, seed, engine }: Pick<RunOptions, 'target' | 'seed' | 'engine'>,
  variables: Readonly<Record<string, string>>,
): LoadSpec {
  const responseTimes = responseTimeWatch(scenario);
  return {
    engine,
    baseUrl,
    uris: mixInMarkerUris(scenario).entries,
    variables,
    model: scenario.load.model,
    order: scenario.load.order,
    seed,
    timeoutMs: scenario.load.timeout,
    workers: scenario.load.workers ?? 1,
    precise: scenario.load.precise ?? false,
    freshShare: scenario.load.freshConnections ?? 0,
    marker: scenario.marker,
    ...(responseTimes ? { responseTimes } : {}),
    defaultVersion: Object.keys(scenario.versions).find((version) => !scenario.marker?.versions[version]),
  };
}

/** Creates the records that the URIs need, then starts the load. */
export async function startSeededLoad(
  scenario: Scenario,
  options: RunOptions,
  { clock, emit, signal }: Pick<RunDeps, 'clock' | 'emit' | 'signal'>,
): Promise<LoadRun> {
  const { baseUrl } = options.target;
  await checkReachable([{ origin: baseUrl, headers: [] }], signal);
  const { variables, created } = await seedData({ baseUrl, names: scenario.seed, signal, clock });
  emit({ type: 'seeded', variables, created });
  const spec = loadSpecOf(scenario, options, variables);
  const { mixedIn } = mixInMarkerUris(scenario);
  emit({ type: 'load-started', uris: spec.uris.map((entry) => `${entry.method} ${entry.target}`), mixedIn });
  return startWithEngine(spec, { clock, k6: options.k6, pausable: true, signal });
}
