import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { humanDuration } from '../../../src/lab/api/columns.js';
import { fieldSelector, labelSelector } from '../../../src/lab/api/selectors.js';
import { parseTarget } from '../../../src/lab/api/target.js';
import { KindTable } from '../../../src/lab/control/kinds.js';
import { RESOURCES, resourceFor } from '../../../src/lab/control/resources.js';
import { Store } from '../../../src/lab/control/store.js';

const labelled = (labels: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'x', labels },
});

describe('label selectors', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['', {}, true],
    ['app=web', { app: 'web' }, true],
    ['app==web', { app: 'web' }, true],
    ['app = web', { app: 'web' }, true],
    ['app=', { app: '' }, true],
    ['app=web,version!=v1', { app: 'web', version: 'v1' }, false],
    ['version!=v1', {}, true],
    ['version in (v1, v2)', { version: 'v2' }, true],
    ['version in (v1,v2)', {}, false],
    ['version notin (v1)', {}, true],
    ['version notin (v1),app', { app: 'x', version: 'v1' }, false],
    ['app', { app: '' }, true],
    ['!app', { app: '' }, false],
    ['! app', {}, true],
    ['n>3', { n: '4' }, true],
    ['n<3', { n: 'x' }, false],
    ['app.kubernetes.io/name=web', { 'app.kubernetes.io/name': 'web' }, true],
    ['in in (in)', { in: 'in' }, true],
  ])('%j of %j is %s', (selector, labels, expected) => {
    expect(labelSelector(selector)(labelled(labels))).toBe(expected);
  });
  it.each(['a b', '=x', 'a in', 'a in (b', 'a,,b', 'a=b c', 'a=(b)', 'a in b'])('%j is no selector', (text) => {
    expect(() => labelSelector(text)).toThrow(/unable to parse requirement/);
  });
  it('are the conjunction of their requirements', () => {
    const key = fc.constantFrom('a', 'b');
    const value = fc.constantFrom('x', 'y', 'z');
    type Labels = Record<string, string>;
    const requirement = fc.oneof(
      fc.tuple(key, value).map(([k, v]) => ({ text: `${k}=${v}`, holds: (l: Labels) => k in l && l[k] === v })),
      fc.tuple(key, value).map(([k, v]) => ({ text: `${k}!=${v}`, holds: (l: Labels) => !(k in l) || l[k] !== v })),
      fc.tuple(key, fc.array(value, { minLength: 1 })).map(([k, vs]) => ({
        text: `${k} in (${vs.join(',')})`,
        holds: (l: Labels) => k in l && vs.includes(l[k] as 'x'),
      })),
      fc.tuple(key, fc.array(value, { minLength: 1 })).map(([k, vs]) => ({
        text: `${k} notin (${vs.join(', ')})`,
        holds: (l: Labels) => !(k in l) || !vs.includes(l[k] as 'x'),
      })),
      key.map((k) => ({ text: k, holds: (l: Labels) => k in l })),
      key.map((k) => ({ text: `!${k}`, holds: (l: Labels) => !(k in l) })),
    );
    fc.assert(
      fc.property(
        fc.array(requirement, { maxLength: 4 }),
        fc.dictionary(key, value, { noNullPrototype: true }),
        (all, labels) => {
          const selects = labelSelector(all.map(({ text }) => text).join(','));
          expect(selects(labelled(labels))).toBe(all.every(({ holds }) => holds(labels)));
        },
      ),
      { seed: 4, numRuns: 300 },
    );
  });
});

describe('field selectors', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'n' }, status: { phase: 'Running' } };
  it.each<[string, boolean]>([
    ['', true],
    ['metadata.name=a', true],
    ['metadata.name==a,metadata.namespace!=n', false],
    ['status.phase!=Pending', true],
    ['spec.nodeName=', true],
  ])('%j is %s', (selector, expected) => {
    expect(fieldSelector(selector, 'Pod')(pod)).toBe(expected);
  });
  it.each([
    ['status.phase=x', 'Service'],
    ['spec.replicas=1', 'Pod'],
    ['metadata.name', 'Pod'],
  ])('%j is refused for %s', (selector, kind) => {
    expect(() => fieldSelector(selector, kind)).toThrow();
  });
});

const kinds = new KindTable(new Store());

describe('paths', () => {
  it.each<[string, string | undefined]>([
    ['/api/v1/pods', 'pods - - - '],
    ['/api/v1/namespaces', 'namespaces - - - '],
    ['/api/v1/namespaces/shop', 'namespaces - shop - '],
    ['/api/v1/namespaces/shop/status', 'namespaces - shop status '],
    ['/api/v1/namespaces/shop/pods/', 'pods shop - - '],
    ['/api/v1/namespaces/shop/pods/a/log', 'pods shop a log '],
    ['/api/v1/namespaces/shop/services/http:a:80/proxy/x/y', 'services shop http:a:80 proxy x/y'],
    ['/api/v1/namespaces/shop/services/a/proxy//x', 'services shop a proxy /x'],
    ['/api/v1/namespaces/shop/pods/a%2Db', 'pods shop a-b - '],
    ['/apis/apps/v1/namespaces/shop/deployments/web/scale', 'deployments.apps shop web scale '],
    ['/apis/networking.istio.io/v1beta1/gateways', 'gateways.networking.istio.io - - - '],
    ['/apis/gateway.networking.k8s.io/v1/gateways', 'gateways.gateway.networking.k8s.io - - - '],
    ['/api/v1/pods/a', undefined],
    ['/api/v1/namespaces//pods', undefined],
    ['/api/v1/namespaces/shop/pods//log', undefined],
    ['/api/v1/namespaces/a%2Fb/pods', undefined],
    ['/api/v1/namespaces/shop/deployments', 'namespaces - shop deployments '],
    ['/apis/apps/v1', undefined],
    ['/api', undefined],
    ['/', undefined],
    ['', undefined],
  ])('%s', (path, expected) => {
    const found = parseTarget(kinds, path);
    expect(
      found &&
        `${found.entry.resource} ${found.namespace ?? '-'} ${found.name ?? '-'} ${found.subresource ?? '-'} ${found.rest}`,
    ).toBe(expected);
  });
});

describe('the kinds', () => {
  it('have one place each', () => {
    expect(new Set(RESOURCES.map(({ resource }) => resource)).size).toBe(RESOURCES.length);
    for (const entry of RESOURCES) {
      for (const version of entry.versions) {
        expect(resourceFor(entry.group ? `${entry.group}/${version}` : version, entry.kind)).toBe(entry);
      }
    }
  });
  it.each([
    ['v1', 'Deployment'],
    ['apps/v1beta1', 'Deployment'],
    ['networking.istio.io/v2', 'VirtualService'],
    ['', ''],
  ])('%s %s is not served', (apiVersion, kind) => {
    expect(resourceFor(apiVersion, kind)).toBeUndefined();
  });
});

describe('ages', () => {
  it.each<[number, string]>([
    [-5, '<invalid>'],
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [192, '3m12s'],
    [600, '10m'],
    [10_799, '179m'],
    [10_800, '3h'],
    [3 * 3600 + 300, '3h5m'],
    [8 * 3600 + 300, '8h'],
    [48 * 3600, '2d'],
    [3 * 86_400 + 7200, '3d2h'],
    [30 * 86_400, '30d'],
    [800 * 86_400, '2y70d'],
    [9 * 365 * 86_400, '9y'],
  ])('%d s read %s', (seconds, text) => {
    expect(humanDuration(seconds * 1000)).toBe(text);
  });
});
