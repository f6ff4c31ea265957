import type { Random } from '../../base/random.js';
import { millis, ratio } from '../../base/units.js';
import type { AppBehaviour } from '../../scenario/types.js';

export type Apps = Readonly<Record<string, AppBehaviour>>;

/** What an application does where nothing is said about it. */
const DEFAULTS = {
  latency: { kind: 'lognormal', medianMs: millis(3), sigma: 0.4 },
  errors: ratio(0),
  errorStatus: 500,
  startUp: millis(300),
  calls: [],
} as const satisfies Required<AppBehaviour>;

/** Names under which an application can be found, the most specific first. */
export function appNames(workload: string, image: string, appLabel: string | undefined): string[] {
  const withoutDigest = image.replace(/@.*$/, '');
  const withoutTag = withoutDigest.replace(/:[^/]*$/, '');
  const base = withoutTag.slice(withoutTag.lastIndexOf('/') + 1);
  return [workload, image, withoutTag, base, ...(appLabel === undefined ? [] : [appLabel])];
}

/** The behaviour of one application: for each field the most specific entry that has it, else the default. */
export function behaviourOf(apps: Apps, names: readonly string[]): Required<AppBehaviour> {
  const entries = names.flatMap((name) => (Object.hasOwn(apps, name) ? [apps[name] as AppBehaviour] : []));
  return Object.assign({}, DEFAULTS, ...entries.reverse().map(definedFields));
}

const definedFields = (behaviour: AppBehaviour): Partial<AppBehaviour> =>
  Object.fromEntries(Object.entries(behaviour).filter(([, value]) => value !== undefined));

/** One draw of the latency, in ms, never negative. */
export function drawLatency(latency: NonNullable<AppBehaviour['latency']>, random: Random): number {
  switch (latency.kind) {
    case 'constant':
      return latency.ms;
    case 'uniform':
      return latency.minMs + random() * (latency.maxMs - latency.minMs);
    case 'lognormal': {
      // Box-Muller; 1 - u keeps the logarithm's argument positive.
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      return latency.medianMs * Math.exp(latency.sigma * normal);
    }
  }
}
