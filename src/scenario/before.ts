import { type KubeObject, objectRef } from '../base/kubernetes.js';
import type { Scenario } from './types.js';

/**
 * The objects that exist just before a stage, on a lab that has walked all stages before it: those it starts with, changed as each earlier
 * stage says. Without a stage: those it starts with.
 */
export function objectsBefore(scenario: Scenario, stageName: string | undefined): KubeObject[] {
  return objectsAfter(scenario, stageName === undefined ? 0 : indexOf(scenario, stageName));
}

/** The objects that exist while a stage is judged, as far as the scenario's own manifests tell. */
export function objectsDuring(scenario: Scenario, stageName: string): KubeObject[] {
  return objectsAfter(scenario, indexOf(scenario, stageName) + 1);
}

const indexOf = (scenario: Scenario, stageName: string): number =>
  Math.max(
    0,
    scenario.stages.findIndex(({ name }) => name === stageName),
  );

/** @param count of stages that have been walked. */
function objectsAfter(scenario: Scenario, count: number): KubeObject[] {
  const objects = new Map(scenario.lab.objects.map(({ object }) => [objectRef(object), object]));
  for (const stage of scenario.stages.slice(0, count)) {
    for (const { object } of stage.apply) objects.set(objectRef(object), object);
    for (const { kind, namespace, name } of stage.delete)
      objects.delete(objectRef({ kind, metadata: { namespace, name } }));
  }
  return [...objects.values()];
}
