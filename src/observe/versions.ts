import type { Scenario } from '../scenario/types.js';

/** What of a scenario the vantage points need. */
export type WatchedService = Pick<Scenario, 'namespace' | 'service' | 'from' | 'versions'>;

/** Labels that Istio takes a canonical revision or a version from, in its order of precedence (`version` is what scenarios write). */
const VERSION_LABELS = ['version', 'app.kubernetes.io/version', 'service.istio.io/canonical-revision'];

/**
 * Maps what a mesh calls the destination to a version of the scenario. A mesh reports values, not label names, so the value of the
 * pods' version label is what is looked for: first as canonical revision (known even when no proxy answered), then as version, then at
 * the end of the workload's name (`reviews-v2`), where the version's own name counts too.
 */
export function versionMapper(
  versions: WatchedService['versions'],
): (destination: { revision: string; version: string; workload: string }) => string | undefined {
  const values = Object.entries(versions).map(([name, labels]) => {
    const key = VERSION_LABELS.find((label) => labels[label] !== undefined) ?? Object.keys(labels)[0] ?? '';
    return { name, value: labels[key] ?? name };
  });
  const byValue = new Map(values.map(({ name, value }) => [value, name]));
  return ({ revision, version, workload }) => {
    const known = byValue.get(revision) ?? byValue.get(version);
    if (known !== undefined) return known;
    const ends = (suffix: string) => workload === suffix || workload.endsWith(`-${suffix}`);
    const named = values.filter(({ name, value }) => ends(value) || ends(name));
    return named.length === 1 ? named[0]?.name : undefined;
  };
}
