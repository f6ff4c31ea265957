import type { KubeObject } from '../base/kubernetes.js';
import { localityAmong } from './localities.js';
import { type Prediction, tidy } from './tally.js';
import type { Caller, MeshObjects } from './types.js';

/** A caller at one place, and how many of its pods run there. */
export interface PlacedCaller {
  readonly caller: Caller;
  readonly pods: number;
}

/**
 * A caller for every locality in which its pods run, since each proxy prefers what is near to itself; most pods first, then by locality.
 * Without pods: one whose locality is not known.
 */
export function placesOf(objects: MeshObjects, caller: Caller, pods: readonly KubeObject[]): PlacedCallers {
  const counts = new Map<string, number>();
  for (const pod of pods) {
    const locality = localityAmong(objects, pod) ?? '';
    counts.set(locality, (counts.get(locality) ?? 0) + 1);
  }
  const [first, ...others] = [...counts]
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .map(([locality, count]) => ({ caller: locality ? { ...caller, locality } : caller, pods: count }));
  return [first ?? { caller, pods: 1 }, ...others];
}

/** At least one. */
type Some<T> = readonly [T, ...T[]];
export type PlacedCallers = Some<PlacedCaller>;

export const atEach = <T, U>([first, ...others]: Some<T>, of: (one: T) => U): Some<U> => [of(first), ...others.map(of)];

/** What pods that send equally much make together. */
export function meanOf(parts: Some<{ readonly prediction: Prediction; readonly pods: number }>): Prediction {
  const [{ prediction: first }] = parts;
  if (parts.length === 1) return first;
  const all = parts.reduce((total, { pods }) => total + pods, 0);
  const mean = (what: 'share' | 'failed' | 'mirrored') => {
    const names = new Set(parts.flatMap(({ prediction }) => Object.keys(prediction[what])));
    const of = (name: string) =>
      parts.reduce((total, { pods, prediction }) => total + (pods * (prediction[what][name] ?? 0)) / all, 0);
    return tidy(Object.fromEntries([...names].map((name) => [name, of(name)])));
  };
  return { share: mean('share'), failed: mean('failed'), mirrored: mean('mirrored'), protocol: first.protocol };
}
