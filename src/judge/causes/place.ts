import { type KubeObject, objectRef } from '../../base/kubernetes.js';
import type { Candidate } from './kind.js';
import { type DiagnosisInput, placeOf } from './objects.js';

/** What is wrong at an object, before anybody says how it is known. */
export type Place = Omit<Candidate, 'confirmedBy'>;

export const fromObjects = (places: readonly Place[]): readonly Candidate[] =>
  places.map((place) => ({ ...place, confirmedBy: 'objects' }));

/** A place at a field of a live object, with the line of the manifest that writes it. */
export function placeAt(
  input: DiagnosisInput,
  object: KubeObject,
  field: string,
  rest: Pick<Place, 'found' | 'expected' | 'fix' | 'version'>,
): Place {
  const place = placeOf(input, object, field);
  return { ...rest, object: objectRef(object), field, ...(place ? { place } : {}) };
}
