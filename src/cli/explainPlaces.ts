import { formatPercent } from '../base/units.js';
import type { PlacedCaller } from '../mesh/places.js';
import type { Prediction } from '../mesh/tally.js';
import type { MeshWarning } from '../mesh/types.js';

/** That the caller's pods send elsewhere, each to what is near to it; empty: they all do the same. */
export function placesWarning(
  placed: readonly (PlacedCaller & { readonly prediction: Prediction })[],
): readonly MeshWarning[] {
  const [first] = placed;
  const parts = placed.map(({ prediction }) => endsText(prediction));
  if (!first || new Set(parts).size < 2) return [];
  const { workload, namespace } = first.caller;
  const each = placed.map(
    ({ caller, pods }, index) =>
      `${caller.locality?.replace(/\/+$/, '') ?? 'no known zone'} (${pods} ${pods === 1 ? 'pod' : 'pods'}): ${parts[index]}`,
  );
  return [
    {
      code: 'CALLERS_IN_PLACES',
      object: `Deployment/${namespace}/${workload}`,
      field: '',
      message: `Each of its pods prefers what is near to it. ${each.join('; ')}. The shares here are the mean over its pods, as if they sent equally much.`,
    },
  ];
}

const endsText = ({ share, failed }: Prediction): string =>
  Object.entries({ ...share, ...failed })
    .map(([end, part]) => `${end} ${formatPercent(part, 4)}`)
    .join(', ') || 'nothing';
