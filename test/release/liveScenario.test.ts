import { describe, expect, it, test } from 'vitest';
import { ConfigError, EnvironmentError } from '../../src/base/errors.js';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { ratio } from '../../src/base/units.js';
import { routedShare } from '../../src/release/livePromise.js';
import { type LiveQuestion, liveScenario } from '../../src/release/liveScenario.js';
import { objects } from '../support/mesh.js';
import {
  bothSubsets,
  destinationRule,
  service,
  split,
  to,
  v1,
  v2,
  virtualService,
  webapp,
} from '../support/pitstopObjects.js';

const ask = (live: readonly KubeObject[], changes: Partial<LiveQuestion> = {}) =>
  liveScenario(live, {
    namespace: 'pitstop',
    service: 'customermanagementapi',
    from: 'webapp',
    expect: {},
    unread: [],
    ...changes,
  });

const workloads = [service(), ...v1, ...v2(), ...webapp()];
const byLabel = { v1: { version: 'v1' }, v2: { version: 'v2' } };

const backends = objects(`
apiVersion: v1
kind: Service
metadata: {name: api-stable, namespace: pitstop}
spec: {selector: {app: customermanagementapi, version: stable}, ports: [{name: http, port: 5100}]}
---
apiVersion: v1
kind: Service
metadata: {name: api-canary, namespace: pitstop}
spec: {selector: {app: customermanagementapi, version: canary}, ports: [{name: http, port: 5100}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: pitstop}
spec:
  parentRefs: [{group: "", kind: Service, name: customermanagementapi, port: 5100}]
  rules: [{backendRefs: [{name: api-stable, port: 5100, weight: 9}, {name: api-canary, port: 5100, weight: 1}]}]
`);

describe('the versions of a live Service', () => {
  const recommended = (name: string, version: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'pitstop',
      labels: { app: 'customermanagementapi', 'app.kubernetes.io/version': version },
    },
  });
  test.each<[string, readonly KubeObject[], Record<string, Record<string, string>>]>([
    ['are the subsets of its DestinationRule', [...workloads, bothSubsets], byLabel],
    [
      'subsets may have other names than the labels',
      [...workloads, destinationRule({ old: { version: 'v1' }, new: { version: 'v2' } })],
      { new: { version: 'v2' }, old: { version: 'v1' } },
    ],
    [
      'are the backends of its HTTPRoute',
      [...workloads, ...backends],
      { canary: { version: 'canary' }, stable: { version: 'stable' } },
    ],
    ['are what the pods say, without both', workloads, byLabel],
    ['a selector that pins one does not hide the other', [service({ version: 'v1' }), ...workloads.slice(1)], byLabel],
    [
      'the recommended label tells them, too',
      [service(), recommended('a', '1.9'), recommended('b', '1.10')],
      { '1.9': { 'app.kubernetes.io/version': '1.9' }, '1.10': { 'app.kubernetes.io/version': '1.10' } },
    ],
  ])('%s', (_says, live, versions) => {
    const scenario = ask(live);
    expect(scenario.versions).toEqual(versions);
    expect(Object.keys(scenario.versions)).toEqual(Object.keys(versions));
  });

  it('end with the one that is expected, since that is the one being released', () => {
    expect(Object.keys(ask(workloads, { expect: { v1: ratio(0.1) } }).versions)).toEqual(['v2', 'v1']);
  });
});

describe('what cannot be asked', () => {
  const refusal = (live: readonly KubeObject[], changes: Partial<LiveQuestion>): unknown => {
    try {
      return ask(live, changes);
    } catch (error) {
      return error;
    }
  };
  test.each<[string, readonly KubeObject[], Partial<LiveQuestion>, new (...some: never[]) => Error, RegExp]>([
    ['a Service that is not there', workloads, { service: 'cart' }, EnvironmentError, /no Service cart/],
    ['a Service of one version', [service(), ...v1], {}, ConfigError, /only the version v1 of it; two are needed/],
    [
      'pods that may not be listed',
      [service()],
      { unread: ['Pod', 'Deployment'] },
      ConfigError,
      /not allowed to list: Pod, Deployment/,
    ],
    [
      'a version that there is not',
      workloads,
      { expect: { v3: ratio(0.1) } },
      ConfigError,
      /found v3; the versions .* are v1, v2/,
    ],
  ])('%s', (_says, live, changes, kind, message) => {
    const error = refusal(live, changes);
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(message);
  });

  it('a Service that may not be listed is believed', () => {
    expect(ask([bothSubsets], { unread: ['Service'] }).versions).toEqual(byLabel);
  });
});

describe('the promise of the route in force', () => {
  test.each<[string, readonly KubeObject[], Record<string, number> | undefined]>([
    ['is its weights', [bothSubsets, virtualService('canary', split(75, 25))], { v1: 0.75, v2: 0.25 }],
    ['is normalised', [bothSubsets, virtualService('canary', split(3, 1))], { v1: 0.75, v2: 0.25 }],
    ['may be one version', [bothSubsets, virtualService('canary', [{ route: [to('v1')] }])], { v1: 1 }],
    [
      'is that of a plain GET',
      [
        bothSubsets,
        virtualService('canary', [
          { match: [{ headers: { x: { exact: '1' } } }], route: [to('v2')] },
          { route: [to('v1')] },
        ]),
      ],
      { v1: 1 },
    ],
    ['may be an HTTPRoute', backends, { stable: 0.9, canary: 0.1 }],
    ['is none without a route', [bothSubsets], undefined],
  ])('%s', (_says, more, share) => {
    const live = [...workloads, ...more];
    expect(routedShare(live, ask(live))).toEqual(share);
  });
});
