import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import type { Caller } from '../../src/mesh/types.js';
import { caller, objects, pods, SERVICE } from '../support/mesh.js';
import { NEW, OLD } from '../support/meshCases.js';

const PODS = [...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1)].map(
  (pod): KubeObject => ({ ...pod, spec: { containers: [{ name: 'istio-proxy' }] } }),
);
const telemetry = (spec: string, over: { name?: string; namespace?: string; created?: string } = {}) => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: ${over.name ?? 't'}, namespace: ${over.namespace ?? 'demo'}, creationTimestamp: "${over.created ?? OLD}"}
spec: ${spec}
`;
const ROOT = { namespace: 'istio-system' };
const override = (text: string, more = '') =>
  `{${more}metrics: [{providers: [{name: prometheus}], overrides: [${text}]}]}`;
const OFF = override('{match: {metric: REQUEST_COUNT}, disabled: true}');
const V2 = 'selector: {matchLabels: {version: v2}}, ';

/** `vantage point: object field` of each warning. */
const ROWS: readonly (readonly [
  says: string,
  yaml: readonly string[],
  expected: readonly string[],
  from?: Partial<Caller>,
])[] = [
  [
    'a counter that is switched off blinds both vantage points',
    [telemetry(OFF)],
    [
      'METRICS_DROPPED source Telemetry/demo/t spec.metrics[0].overrides[0].disabled',
      'METRICS_DROPPED destination Telemetry/demo/t spec.metrics[0].overrides[0].disabled',
    ],
  ],
  [
    'for the mode CLIENT it blinds the source alone',
    [telemetry(override('{match: {metric: REQUEST_COUNT, mode: CLIENT}, disabled: true}'))],
    ['METRICS_DROPPED source Telemetry/demo/t spec.metrics[0].overrides[0].disabled'],
  ],
  [
    'for the mode SERVER it blinds the destination alone',
    [telemetry(override('{match: {mode: SERVER}, disabled: true}'))],
    ['METRICS_DROPPED destination Telemetry/demo/t spec.metrics[0].overrides[0].disabled'],
  ],
  [
    'in the root namespace it is for the whole mesh, also for a caller elsewhere',
    [telemetry(OFF, ROOT)],
    [
      'METRICS_DROPPED source Telemetry/istio-system/t spec.metrics[0].overrides[0].disabled',
      'METRICS_DROPPED destination Telemetry/istio-system/t spec.metrics[0].overrides[0].disabled',
    ],
    { namespace: 'ops' },
  ],
  [
    'in the namespace of the destination it leaves a caller elsewhere alone',
    [telemetry(OFF)],
    ['METRICS_DROPPED destination Telemetry/demo/t spec.metrics[0].overrides[0].disabled'],
    { namespace: 'ops' },
  ],
  [
    'with a selector it is for those pods',
    [telemetry(override('{disabled: true}', V2))],
    ['METRICS_DROPPED destination Telemetry/demo/t spec.metrics[0].overrides[0].disabled'],
  ],
  ['another metric is no matter', [telemetry(override('{match: {metric: REQUEST_DURATION}, disabled: true}'))], []],
  [
    'what the root namespace switches off the namespace brings back',
    [
      telemetry(override('{disabled: true}'), ROOT),
      telemetry(override('{match: {metric: REQUEST_COUNT}, disabled: false}')),
    ],
    [],
  ],
  [
    'of two for a namespace the older counts',
    [telemetry(OFF, { name: 'young', created: NEW }), telemetry('{tracing: []}', { name: 'old' })],
    [],
  ],
  [
    'a removed label that tells the versions apart is named with its place',
    [telemetry(override('{match: {mode: SERVER}, tagOverrides: {destination_version: {operation: REMOVE}}}'))],
    ['METRICS_LABEL_LOST destination Telemetry/demo/t spec.metrics[0].overrides[0].tagOverrides.destination_version'],
  ],
  [
    'a label that gets another value is as good as removed',
    [telemetry(override(`{match: {mode: CLIENT}, tagOverrides: {destination_workload: {value: "'x'"}}}`))],
    ['METRICS_LABEL_LOST source Telemetry/demo/t spec.metrics[0].overrides[0].tagOverrides.destination_workload'],
  ],
  [
    'an added label, and one that nobody needs, is no matter',
    [telemetry(override(`{tagOverrides: {mine: {value: "'x'"}, request_protocol: {operation: REMOVE}}}`))],
    [],
  ],
  [
    'a provider that is not Prometheus takes the metrics away from it',
    [telemetry('{metrics: [{providers: [{name: stackdriver}]}]}')],
    [
      'METRICS_DROPPED source Telemetry/demo/t spec.metrics[0].providers',
      'METRICS_DROPPED destination Telemetry/demo/t spec.metrics[0].providers',
    ],
  ],
  [
    'overrides of another provider are no matter',
    [
      telemetry(
        '{metrics: [{providers: [{name: stackdriver}], overrides: [{disabled: true}]}, {providers: [{name: prometheus}]}]}',
      ),
    ],
    [],
  ],
  ['a caller without a sidecar has nothing to hide', [telemetry(OFF)], [], { sidecar: false }],
];

describe('Telemetry objects that hide calls', () => {
  it.each(ROWS.map(([says, yaml, expected, from]) => [says, { yaml, expected, from }] as const))('%s', (_says, row) => {
    const { yaml, expected, from } = row;
    const all = [...objects([SERVICE, ...yaml].join('---\n')), ...PODS];
    const { warnings } = compileProxyConfig(all, caller(from));
    const told = warnings.map(({ code, object, field, message }) => {
      const vantagePoint = /vantage point (source|destination)/.exec(message)?.[1];
      return `${code} ${vantagePoint} ${object} ${field}`;
    });
    expect(told).toEqual(expected);
  });
});
