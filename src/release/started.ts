import { withoutSecrets } from '../cluster/secrets.js';
import type { ManifestObject, Scenario, Stage, UriEntry } from '../scenario/types.js';
import type { RunEventBody } from './events.js';
import type { RunOptions, Sender } from './options.js';

/** The first event of every journal. */
export function runStarted(scenario: Scenario, options: RunOptions<Sender>, context: string): RunEventBody {
  const { kind, baseUrl, prometheusUrl, kialiUrl } = options.target;
  return {
    type: 'run-started',
    schemaVersion: 1,
    runId: options.runId,
    weighbridgeVersion: options.weighbridgeVersion,
    scenario: publicScenario(scenario),
    stages: options.stages,
    seed: options.seed,
    engine: options.engine,
    target: {
      kind,
      baseUrl: withoutCredentials(baseUrl),
      prometheusUrl: withoutCredentials(prometheusUrl),
      kialiUrl: withoutCredentials(kialiUrl),
      context,
    },
  };
}

/** `http://user:password@host` is allowed as an address; the journal holds no secrets. */
function withoutCredentials(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (!url.username && !url.password) return address;
  url.username = '';
  url.password = '';
  return url.href.replace(/\/$/, '');
}

/** The scenario as the journal may hold it: nothing in it may be a secret. */
function publicScenario(scenario: Scenario): Scenario {
  const scrub = (manifest: ManifestObject): ManifestObject => ({
    ...manifest,
    object: withoutSecrets(manifest.object),
  });
  const hide = ({ body: _body, ...entry }: UriEntry): UriEntry => ({
    ...entry,
    headers: Object.fromEntries(Object.keys(entry.headers).map((name) => [name, '***'])),
  });
  return {
    ...scenario,
    load: { ...scenario.load, uris: scenario.load.uris.map(hide) },
    stages: scenario.stages.map((stage: Stage) => ({ ...stage, apply: stage.apply.map(scrub) })),
    lab: { ...scenario.lab, objects: [] },
  };
}
