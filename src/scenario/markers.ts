import { ConfigError } from '../base/errors.js';
import { SEED_VARIABLES } from './seeds.js';
import type { Scenario, UriEntry } from './types.js';

/**
 * Whether a request path belongs to a marker pattern; `*` stands for any run of characters, `/` included.
 * @param target a path or an absolute URI; its query is not looked at.
 */
export function markerMatches(pattern: string, target: string): boolean {
  const path = pathOf(target);
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  if (parts.length === 1) return path === pattern;
  const last = parts[parts.length - 1] ?? '';
  if (!path.startsWith(first) || !path.endsWith(last) || path.length < first.length + last.length) return false;
  // Leftmost hits suffice, since only `*` stands between the parts; no regular expression, so no catastrophic pattern.
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const hit = path.indexOf(part, from);
    if (hit < 0 || hit + part.length > path.length - last.length) return false;
    from = hit + part.length;
  }
  return true;
}

function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  return path === '' ? '/' : path;
}

export interface MixedUris {
  /** What is sent, in order. */
  readonly entries: readonly UriEntry[];
  /** The targets that were added, without repetition; empty when the list has marker requests of its own or nothing is marked. */
  readonly mixedIn: readonly string[];
}

/**
 * Adds marker requests, at least a third of all, when no URI of the list matches the marker: without them the client cannot tell the
 * versions apart. A single `*` of the pattern becomes {customerId} when the scenario seeds a customer.
 * @throws ConfigError when the pattern has a `*` that nothing can fill.
 */
export function mixInMarkerUris(scenario: Pick<Scenario, 'marker' | 'load' | 'seed' | 'file'>): MixedUris {
  const { marker, load } = scenario;
  if (
    marker === undefined ||
    load.uris.some((entry) => entry.method !== 'HEAD' && markerMatches(marker.uri, entry.target))
  ) {
    return { entries: load.uris, mixedIn: [] };
  }
  const target = markerTarget(marker.uri, scenario.seed.includes('customer'));
  if (target === undefined) {
    throw new ConfigError([
      {
        file: scenario.file,
        path: 'marker.uri',
        message: `no URI of ${load.urisFile} matches ${marker.uri}, and nothing can fill its "*"`,
        hint: `add such a URI to ${load.urisFile}, or name a pattern without "*"`,
      },
    ]);
  }
  // After every second entry, as heavy as half of the two: of all requests at least a third, spread evenly over the list.
  const entries = load.uris.flatMap((entry, index) => {
    const before = index % 2 === 1 ? load.uris[index - 1] : undefined;
    if (!before && index < load.uris.length - 1) return [entry];
    const weight = Math.ceil(((before ? (before.weight ?? 1) : 0) + (entry.weight ?? 1)) / 2);
    const added: UriEntry = { method: 'GET', target, headers: {}, line: 0, ...(weight > 1 ? { weight } : {}) };
    return [entry, added];
  });
  return { entries, mixedIn: [target] };
}

function markerTarget(pattern: string, customer: boolean): string | undefined {
  const stars = pattern.split('*').length - 1;
  if (stars === 0) return pattern;
  const [variable] = SEED_VARIABLES.customer;
  return stars === 1 && customer && variable ? pattern.replace('*', `{${variable}}`) : undefined;
}
