import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { covers, planApply, planCreate, withoutVolatile } from '../../src/cluster/objects.js';
import { withoutSecrets } from '../../src/cluster/secrets.js';

const service = (selector: Record<string, string>, extra: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'shop', namespace: 'demo' },
  spec: { selector, ports: [{ name: 'http', port: 80 }], ...extra },
});

const live = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, uid: 'u', resourceVersion: '7', labels: { team: 'a' }, annotations: { note: 'x' } },
  status: { seen: true },
});

const workload = (kind: string, fields: Record<string, unknown>): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'x', namespace: 'demo' },
  ...fields,
});
const pod = (spec: Record<string, unknown>) => ({ metadata: { labels: { app: 'x' } }, spec });

describe('planApply', () => {
  it('does nothing when everything that the manifest says already stands', () => {
    expect(
      planApply(live(service({ app: 'shop' }, { clusterIP: '10.0.0.1' })), service({ app: 'shop' })),
    ).toBeUndefined();
  });

  it('removes a selector label that the manifest no longer has, and keeps what the cluster allocated', () => {
    const planned = planApply(
      live(service({ app: 'shop', version: 'v1' }, { clusterIP: '10.0.0.1' })),
      service({ app: 'shop' }),
    );
    expect(planned?.spec).toEqual({
      selector: { app: 'shop' },
      ports: [{ name: 'http', port: 80 }],
      clusterIP: '10.0.0.1',
    });
  });

  it('keeps labels and annotations of others, resourceVersion and uid, and drops status', () => {
    const planned = planApply(live(service({ app: 'a' })), {
      ...service({ app: 'b' }),
      metadata: { name: 'shop', namespace: 'demo', labels: { app: 'shop' } },
    });
    expect(planned?.metadata).toMatchObject({
      uid: 'u',
      resourceVersion: '7',
      labels: { team: 'a', app: 'shop' },
      annotations: { note: 'x' },
    });
    expect(planned).not.toHaveProperty('status');
  });

  it('replaces the whole spec of a custom resource, so that a field that the manifest lacks is gone', () => {
    const route = (spec: Record<string, unknown>): KubeObject => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'shop', namespace: 'demo' },
      spec,
    });
    const planned = planApply(live(route({ hosts: ['shop'], exportTo: ['.'] })), route({ hosts: ['shop'] }));
    expect(planned?.spec).toEqual({ hosts: ['shop'] });
  });

  it('replaces the data of a ConfigMap', () => {
    const map = (data: Record<string, string>): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c', namespace: 'demo' },
      data,
    });
    expect(planApply(live(map({ a: '1', b: '2' })), map({ a: '3' }))?.data).toEqual({ a: '3' });
  });
});

describe('what an earlier apply brought', () => {
  const deployment = (annotations: Record<string, string> | undefined, replicas?: number): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop', namespace: 'demo', labels: annotations ? { canary: 'yes' } : {} },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      template: { metadata: { labels: { app: 'shop' }, ...(annotations ? { annotations } : {}) } },
    },
  });

  it('goes when the manifest no longer says it, deep inside too', () => {
    const before = planCreate(deployment({ 'sidecar.istio.io/inject': 'false' }));
    const planned = planApply(before, deployment(undefined));
    expect(planned?.spec?.template).toEqual({ metadata: { labels: { app: 'shop' } } });
    expect(planned?.metadata.labels).toEqual({});
    // The next comparison is with this manifest.
    expect(planApply(planned as KubeObject, deployment(undefined))).toBeUndefined();
  });

  it('leaves alone what others brought: a label, an annotation of a restart, replicas of an autoscaler', () => {
    const manifest = deployment(undefined);
    const applied = planCreate(deployment(undefined, 1));
    const live: KubeObject = {
      ...applied,
      metadata: { ...applied.metadata, labels: { team: 'a' } },
      spec: {
        replicas: 7,
        template: { metadata: { labels: { app: 'shop' }, annotations: { restartedAt: 'noon' } } },
      },
    };
    expect(planApply(live, manifest)).toBeUndefined();
  });

  it('writes fields outside of the spec too, such as the rules of a role', () => {
    const role = (verb: string): KubeObject => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r', namespace: 'demo' },
      rules: [{ verbs: [verb] }],
    });
    expect(planApply(role('get'), role('list'))?.rules).toEqual([{ verbs: ['list'] }]);
    expect(planApply(role('get'), role('get'))).toBeUndefined();
  });
});

describe('covers', () => {
  it.each([
    ['a subset of an object', { a: 1, b: 2 }, { a: 1 }, true],
    ['another value', { a: 1 }, { a: 2 }, false],
    ['a missing field', { a: 1 }, { b: 1 }, false],
    ['an empty object where nothing is', undefined, {}, true],
    ['a list with the same items', [{ name: 'x', extra: 1 }], [{ name: 'x' }], true],
    ['a list that grew', [{ name: 'x' }, { name: 'y' }], [{ name: 'x' }], false],
    ['nothing wanted', 5, undefined, true],
  ])('%s', (_sentence, have, wanted, expected) => {
    expect(covers(have, wanted)).toBe(expected);
  });
});

describe('what a journal may hold', () => {
  it('has neither environment, arguments, probes, volumes, data, what containers said, nor annotations of tools', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        namespace: 'demo',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': 'hunter2',
          'vault.example.com/token': 'hunter2',
          'proxy.istio.io/config': 'hunter2',
          'sidecar.istio.io/inject': 'true',
        },
      },
      spec: {
        containers: [
          {
            name: 'app',
            image: 'app:1',
            env: [{ name: 'PASSWORD', value: 'hunter2' }],
            args: ['--password=hunter2'],
            livenessProbe: { httpGet: { httpHeaders: [{ name: 'authorization', value: 'hunter2' }] } },
            ports: [{ containerPort: 80 }],
          },
        ],
        volumes: [{ name: 'v', csi: { volumeAttributes: { password: 'hunter2' } } }],
      },
      status: { podIP: '10.0.0.1', containerStatuses: [{ state: { terminated: { message: 'hunter2' } } }] },
      data: { password: 'hunter2' },
    };
    const kept = withoutSecrets(pod);
    expect(JSON.stringify(kept)).not.toContain('hunter2');
    expect(kept).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'demo', annotations: { 'sidecar.istio.io/inject': 'true' } },
      spec: { containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 80 }] }] },
      status: { podIP: '10.0.0.1' },
    });
  });

  it('has no secret wherever a manifest may hold one', () => {
    const secret = fc.stringMatching(/^[A-Z]{12}$/);
    const places: ((value: string) => KubeObject)[] = [
      (value) =>
        workload('Deployment', {
          spec: { template: pod({ containers: [{ name: 'c', env: [{ name: 'E', value }] }] }) },
        }),
      (value) =>
        workload('Deployment', {
          spec: { template: pod({ initContainers: [{ name: 'c', image: 'i', command: [value] }] }) },
        }),
      (value) => workload('Pod', { spec: { containers: [{ name: 'c', image: 'i', args: [`--token=${value}`] }] } }),
      (value) => workload('StatefulSet', { spec: { template: { metadata: { annotations: { note: value } } } } }),
      (value) => ({ ...workload('Secret', {}), stringData: { password: value }, data: { password: value } }),
      (value) => ({ ...workload('ConfigMap', {}), data: { 'app.yaml': value }, binaryData: { x: value } }),
      (value) => ({ ...workload('Service', {}), metadata: { name: 'x', annotations: { 'checksum/config': value } } }),
      (value) =>
        workload('VirtualService', { spec: { http: [{ headers: { request: { set: { authorization: value } } } }] } }),
      (value) =>
        workload('HTTPRoute', {
          spec: { rules: [{ filters: [{ requestHeaderModifier: { add: [{ name: 'authorization', value }] } }] }] },
        }),
    ];
    fc.assert(
      fc.property(secret, fc.constantFrom(...places), (value, place) => {
        const object = place(value);
        expect(JSON.stringify(object)).toContain(value);
        expect(JSON.stringify(withoutSecrets(object))).not.toContain(value);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('two reads of one object are equal without what the server writes', () => {
    const before = live(service({ app: 'shop' }));
    const after = {
      ...before,
      metadata: { ...before.metadata, uid: 'other', resourceVersion: '9', generation: 4, creationTimestamp: 'now' },
      status: {},
    };
    expect(withoutVolatile(after)).toEqual(withoutVolatile(before));
  });
});
