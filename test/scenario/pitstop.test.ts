import { describe, expect, test } from 'vitest';
import { labelsMatch, objectRef } from '../../src/base/kubernetes.js';
import { loadScenario } from '../../src/scenario/load.js';
import { markerMatches, mixInMarkerUris } from '../../src/scenario/markers.js';

describe('the Pitstop scenario', async () => {
  const scenario = await loadScenario('scenarios/pitstop');
  const stage = (name: string) => scenario.stages.find((s) => s.name === name);

  test('promises what the walk-through shows, in five stages', () => {
    const promises = scenario.stages.map(({ name, expect: e, precision }) => [
      name,
      e.share,
      e.by,
      e.mirror ?? null,
      precision.margin,
    ]);
    expect(promises).toEqual([
      ['v1-only', { v2: 0 }, 'weight', null, 0.03],
      ['dark', { v2: 0 }, 'weight', null, 0.03],
      ['mirror', { v2: 0 }, 'weight', { v2: 1 }, 0.03],
      ['canary', { v2: 0.1 }, 'weight', null, 0.03],
      ['even', { v2: 0.5 }, 'balancing', null, 0.05],
    ]);
    expect(scenario.precision.errorRate).toBe(0.0001);
    expect(scenario.load.model).toMatchObject({ kind: 'closed', users: 1000 });
  });

  test('sends at least a third of its requests to pages that tell the version', () => {
    const { entries, mixedIn } = mixInMarkerUris(scenario);
    const marked = entries.filter((entry) => markerMatches(scenario.marker?.uri ?? '', entry.target));
    expect(mixedIn).toEqual([]);
    expect(marked.length * 3).toBeGreaterThanOrEqual(entries.length);
  });

  test('unpins the Service in the mirror stage, after the rules', () => {
    expect(stage('mirror')?.apply.map(({ object }) => objectRef(object))).toEqual([
      'DestinationRule/pitstop/customermanagementapi',
      'VirtualService/pitstop/customermanagementapi',
      'Service/pitstop/customermanagementapi',
    ]);
    const selector = (name: string) =>
      stage(name)?.apply.find(({ object }) => object.kind === 'Service')?.object.spec?.selector as Record<
        string,
        string
      >;
    expect(labelsMatch(selector('v1-only'), { app: 'customermanagementapi', version: 'v2' })).toBe(false);
    expect(labelsMatch(selector('mirror'), { app: 'customermanagementapi', version: 'v2' })).toBe(true);
  });

  test('deletes in the even stage the rule that the canary applied', () => {
    const applied = stage('canary')?.apply.map(({ object }) => objectRef(object));
    expect(stage('even')?.delete.map((ref) => `${ref.kind}/${ref.namespace}/${ref.name}`)).toEqual(applied);
  });

  test('writes the weight that people change where a cause can point at it', () => {
    const rule = stage('canary')?.apply[0];
    expect(rule?.lines['spec.http[0].route[1].weight']).toBe(14);
  });

  test('has every workload of the application, with a sidecar where the mesh has one', () => {
    const pods = scenario.lab.objects.flatMap(({ object }) => {
      const template = object.spec?.template as { metadata: { annotations: Record<string, string> } } | undefined;
      return template ? [[object.metadata.name, template.metadata.annotations['sidecar.istio.io/inject']]] : [];
    });
    expect(Object.fromEntries(pods)).toEqual({
      webapp: 'true',
      'customermanagementapi-v1': 'true',
      vehiclemanagementapi: 'true',
      workshopmanagementapi: 'true',
      sqlserver: 'true',
      rabbitmq: 'false',
      logserver: 'false',
      mailserver: 'false',
    });
  });
});
