import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { checkNamespace, checkTarget } from '../../src/release/preflight.js';
import { loadScenario } from '../../src/scenario/load.js';
import type { Scenario } from '../../src/scenario/types.js';
import { testCluster } from '../support/cluster.js';

const pitstop = await loadScenario('scenarios/pitstop');
const here: Scenario = {
  ...pitstop,
  namespace: 'demo',
  stages: pitstop.stages.map((stage) => ({ ...stage, apply: [] })),
};

const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'customermanagementapi', namespace: 'demo' },
  spec: { selector: { app: 'customermanagementapi' }, ports: [{ name: 'http', port: 5100 }] },
};
const workload = (kind: string, name: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace: 'demo' },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: name }] } },
  },
});

async function refusal(objects: readonly KubeObject[], scenario: Scenario): Promise<string> {
  const { client } = await testCluster();
  for (const object of objects) await client.create(object);
  try {
    await checkNamespace(client, scenario);
    await checkTarget(client, scenario);
  } catch (error) {
    const { code, exitCode, message, hint } = error as {
      code: string;
      exitCode: number;
      message: string;
      hint: string;
    };
    return `${code} ${exitCode} ${message} ${hint}`;
  }
  return '';
}

describe('before anything is sent', () => {
  it.each<[string, KubeObject[], Scenario, RegExp]>([
    [
      'a namespace that is not there is named, with those that are',
      [],
      { ...here, namespace: 'pitstopp' },
      /^E_TARGET 4 .*has no namespace pitstopp .*namespaces there: .*demo.*scenario\.yaml/s,
    ],
    [
      'a Service that is not there is named',
      [workload('Deployment', 'webapp')],
      here,
      /^E_TARGET 4 namespace demo .* has no Service customermanagementapi/s,
    ],
    [
      'a caller that is not there is named, with the workloads that are',
      [service, workload('Deployment', 'web')],
      here,
      /^E_TARGET 4 namespace demo .* has no workload webapp.*workloads there: web\./s,
    ],
    [
      'a caller that is in another namespace is named with it',
      [
        service,
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'edge' } },
        { ...workload('Deployment', 'webapp'), metadata: { name: 'webapp', namespace: 'edge' } },
      ],
      here,
      /^E_TARGET 4 namespace demo .* has no workload webapp.*; there is one in edge judged are calls from the namespace/s,
    ],
    ['a Service and a caller that are there pass', [service, workload('Deployment', 'webapp')], here, /^$/],
    ['the caller may be a StatefulSet', [service, workload('StatefulSet', 'webapp')], here, /^$/],
    [
      'the Service may come with a stage',
      [workload('Deployment', 'webapp')],
      {
        ...here,
        stages: here.stages.map((stage) => ({
          ...stage,
          apply: [{ object: service, file: 'svc.yaml', line: 1, lines: {} }],
        })),
      },
      /^$/,
    ],
  ])('%s', async (_sentence, objects, scenario, expected) => {
    expect(await refusal(objects, scenario)).toMatch(expected);
  });
});
