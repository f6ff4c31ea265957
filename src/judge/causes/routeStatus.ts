import type { KubeObject } from '../../base/kubernetes.js';
import { at, type DiagnosisInput, items, text } from './objects.js';
import { type Place, placeAt } from './place.js';

/** What the control plane itself writes about this parent. */
export function refusedByStatus(input: DiagnosisInput, route: KubeObject, parent: unknown, index: number): Place[] {
  const told = items(at(route.status, 'parents')).filter(
    (each) => at(each, 'parentRef', 'name') === at(parent, 'name'),
  );
  return told.flatMap((each) =>
    items(at(each, 'conditions')).flatMap((condition): Place[] => {
      const type = text(at(condition, 'type')) ?? '';
      if (!['Accepted', 'ResolvedRefs'].includes(type) || at(condition, 'status') !== 'False') return [];
      const reason = text(at(condition, 'reason')) ?? 'no reason';
      const message = text(at(condition, 'message'));
      const fix = `The control plane refuses the route (${reason}${message ? `: ${message}` : ''}): put right what it names, and see that ${type} turns True.`;
      return [
        placeAt(input, route, `status.parents[${index}].conditions.${type}`, {
          found: `False (${reason})`,
          expected: 'True',
          fix,
        }),
      ];
    }),
  );
}
