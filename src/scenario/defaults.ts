import { millis, ratio } from '../base/units.js';
import type { ScenarioFile } from './schema.js';
import type { LabConfig, Precision, Scenario, ThinkTime } from './types.js';

export const DEFAULTS = {
  watch: { client: 'require', source: 'require', destination: 'account', graph: 'account' },
  precision: { margin: ratio(0.03), errorRate: ratio(0.0001), absence: ratio(0.01) },
  warmUp: millis(2000),
  maxDuration: millis(120_000),
  users: 100,
  thinkTime: { kind: 'uniform', minMs: millis(100), maxMs: millis(2000) },
  timeout: millis(10_000),
  scrapeInterval: millis(1000),
  propagation: millis(300),
} as const satisfies {
  watch: Scenario['watch'];
  precision: Precision;
  thinkTime: ThinkTime;
  [other: string]: unknown;
};

/** Drops keys whose value is undefined, so that optional fields are absent rather than undefined. */
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };
function defined<T extends object>(value: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<Defined<T>>;
}

/** The precision of a stage: its own values over the scenario's over the defaults. */
export function precisionOf(...layers: (ScenarioFile['precision'] | undefined)[]): Precision {
  return Object.assign({}, DEFAULTS.precision, ...layers.map((layer) => defined(layer ?? {})));
}

/** @param direct the load calls the Service itself, so that no proxy of a caller sees its calls. */
export function watchOf(watch: ScenarioFile['watch'], direct: boolean): Scenario['watch'] {
  return { ...DEFAULTS.watch, ...(direct ? { source: 'off' as const } : {}), ...defined(watch ?? {}) };
}

type WrittenApp = NonNullable<NonNullable<ScenarioFile['lab']>['apps']>[string];

export function appsOf(apps: Record<string, WrittenApp> | undefined): LabConfig['apps'] {
  return Object.fromEntries(
    Object.entries(apps ?? {}).map(([name, { latency, ...rest }]) => [
      name,
      { ...defined(rest), ...(latency === undefined ? {} : { latency: latencyOf(latency) }) },
    ]),
  );
}

function latencyOf(written: NonNullable<WrittenApp['latency']>): NonNullable<LabConfig['apps'][string]['latency']> {
  if (typeof written === 'number') return { kind: 'constant', ms: written };
  if (written.uniform) return { kind: 'uniform', minMs: written.uniform[0], maxMs: written.uniform[1] };
  if (written.lognormal)
    return { kind: 'lognormal', medianMs: written.lognormal.median, sigma: written.lognormal.sigma };
  return { kind: 'constant', ms: written.constant ?? millis(0) };
}
