import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { covers, planApply, withoutSecrets, withoutVolatile } from '../../src/cluster/objects.js';

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
  it('has neither environment, arguments, data nor the last applied configuration', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        namespace: 'demo',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'hunter2', keep: 'yes' },
      },
      spec: {
        containers: [
          {
            name: 'app',
            image: 'app:1',
            env: [{ name: 'PASSWORD', value: 'hunter2' }],
            args: ['--password=hunter2'],
            ports: [{ containerPort: 80 }],
          },
        ],
      },
      data: { password: 'hunter2' },
    };
    const kept = withoutSecrets(pod);
    expect(JSON.stringify(kept)).not.toContain('hunter2');
    expect(kept.metadata.annotations).toEqual({ keep: 'yes' });
    expect(kept.spec).toEqual({ containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 80 }] }] });
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
