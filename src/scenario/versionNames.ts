import type { ReportAt } from './issues.js';
import { didYouMean, show } from './nearest.js';
import type { Path } from './yaml-text.js';

/** Reports a version that the scenario does not know, and one that is compared with itself or an unknown one. */
export function checkVersions(
  version: string,
  compared: { readonly than: string; readonly field: string } | undefined,
  path: Path,
  versions: readonly string[],
  report: ReportAt,
): void {
  const unknown = (name: string, place: Path, target: 'key' | 'value') =>
    report(
      place,
      `unknown version ${show(name)}; the versions are ${versions.join(', ')}`,
      didYouMean(name, versions),
      target,
    );
  if (!versions.includes(version)) unknown(version, [...path, version], 'key');
  if (!compared) return;
  const place = [...path, version, compared.field];
  if (!versions.includes(compared.than)) unknown(compared.than, place, 'value');
  else if (compared.than === version)
    report(place, `compares ${version} with itself`, `name another of ${versions.join(', ')}`);
}
