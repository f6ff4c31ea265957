import { type KubeObject, objectRef } from '../base/kubernetes.js';
import type { Scenario } from './types.js';

/**
 * The objects that exist just before a stage, on a lab that has walked all stages before it: those it starts with, changed as each earlier
 * stage says. Without a stage: those it starts with.
 */
export function objectsBefore(scenario: Scenario, stageName: string | undefined): KubeObject[] {
  const objects = new Map(scenario.lab.objects.map(({ object }) => [objectRef(object), object]));
  const count = stageName === undefined ? 0 : scenario.stages.findIndex((stage) => stage.name === stageName);
  for (const stage of scenario.stages.slice(0, Math.max(0, count))) {
    for (const { object } of stage.apply) objects.set(objectRef(object), object);
    for (const { kind, namespace, name } of stage.delete)
      objects.delete(objectRef({ kind, metadata: { namespace, name } }));
  }
  return [...objects.values()];
}
