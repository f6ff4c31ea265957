import { appsOf, DEFAULTS, precisionOf, watchOf } from './defaults.js';
import { expectationOf } from './expectations.js';
import type { ScenarioFile } from './schema.js';
import { markerOf } from './sections.js';
import type { StageParts } from './stages.js';
import type { ManifestObject, Scenario, UriEntry } from './types.js';
import { loadModelOf } from './workload-file.js';

/** What the files that a scenario names hold. */
export interface Parts {
  readonly objects: readonly ManifestObject[];
  /** In the order of the stages. */
  readonly stages: readonly StageParts[];
  readonly uris: readonly UriEntry[];
  readonly urisFile: string;
}

/** Puts checked parts together and fills in the defaults. */
export function buildScenario(file: ScenarioFile, shown: string, parts: Parts): Scenario {
  return {
    name: file.name,
    file: shown,
    mesh: file.mesh ?? 'istio',
    namespace: file.namespace,
    service: file.service,
    ...(file.from === undefined ? {} : { from: file.from }),
    versions: file.versions,
    marker: markerOf(file.marker),
    load: {
      uris: parts.uris,
      urisFile: parts.urisFile,
      model: loadModelOf(file.load),
      order: file.load.order ?? 'round-robin',
      timeout: file.load.timeout ?? DEFAULTS.timeout,
      ...(file.load.workers === undefined ? {} : { workers: file.load.workers }),
      ...(file.load.precise === undefined ? {} : { precise: file.load.precise }),
      ...(file.load.freshConnections === undefined ? {} : { freshConnections: file.load.freshConnections }),
    },
    seed: file.seed ?? [],
    precision: precisionOf(file.precision),
    watch: watchOf(file.watch, file.from === undefined),
    warmUp: file.warmUp ?? DEFAULTS.warmUp,
    maxDuration: file.maxDuration ?? DEFAULTS.maxDuration,
    stages: file.stages.map((stage, index) => ({
      name: stage.name,
      apply: parts.stages[index]?.apply ?? [],
      delete: parts.stages[index]?.delete ?? [],
      expect: expectationOf(stage.expect),
      precision: precisionOf(file.precision, stage.precision),
      ...(stage.soak ? { soak: stage.soak } : {}),
    })),
    lab: {
      objects: parts.objects,
      scrapeInterval: file.lab?.scrapeInterval ?? DEFAULTS.scrapeInterval,
      propagation: file.lab?.propagation ?? DEFAULTS.propagation,
      stale: file.lab?.stale ?? {},
      apps: appsOf(file.lab?.apps),
    },
  };
}
