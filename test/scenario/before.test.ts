import { describe, expect, it } from 'vitest';
import { objectRef } from '../../src/base/kubernetes.js';
import { objectsBefore } from '../../src/scenario/before.js';
import { loadScenario } from '../../src/scenario/load.js';

const scenario = await loadScenario('scenarios/pitstop/scenario.yaml');
const refsBefore = (stage: string | undefined) => objectsBefore(scenario, stage).map(objectRef);

describe('objectsBefore', () => {
  it('is what the lab starts with before the first stage, and without a stage', () => {
    const start = scenario.lab.objects.map(({ object }) => objectRef(object));
    expect(refsBefore(undefined)).toEqual(start);
    expect(refsBefore('v1-only')).toEqual(start);
  });

  it('holds what earlier stages applied, each object once and as the last of them wrote it', () => {
    const objects = objectsBefore(scenario, 'even');
    const routes = objects.filter((object) => object.kind === 'VirtualService');
    expect(routes).toHaveLength(1);
    expect(JSON.stringify(routes[0]?.spec)).toContain('"weight":10');
    const service = objects.find((object) => objectRef(object) === 'Service/pitstop/customermanagementapi');
    expect(service?.spec?.selector).toEqual({ app: 'customermanagementapi' });
  });

  it('lacks what an earlier stage deleted', () => {
    const last = { ...scenario, stages: [...scenario.stages, { ...scenario.stages[0]!, name: 'after' }] };
    expect(objectsBefore(last, 'after').some((object) => object.kind === 'VirtualService')).toBe(false);
  });
});
