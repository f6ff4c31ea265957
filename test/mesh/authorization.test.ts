import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { type AuthorizedRequest, authorizationOf, isAllowed, notUnderstood } from '../../src/mesh/authorization.js';

const POD: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'shop', labels: { app: 'cart', version: 'v1' } },
};
const policy = (spec: object, namespace = 'shop'): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'rule', namespace },
  spec: { ...spec },
});
const request = (fields: Partial<AuthorizedRequest> = {}): AuthorizedRequest => ({
  principal: 'spiffe://cluster.local/ns/web/sa/front',
  method: 'GET',
  path: '/cart/7',
  port: 8080,
  ...fields,
});
const allowed = (spec: object, fields?: Partial<AuthorizedRequest>): boolean =>
  isAllowed(authorizationOf([policy(spec)], POD), request(fields));
const from = (source: object) => ({ rules: [{ from: [{ source }] }] });
const to = (operation: object) => ({ rules: [{ to: [{ operation }] }] });

describe('an AuthorizationPolicy that allows', () => {
  it.each([
    ['one principal, named without its scheme', from({ principals: ['cluster.local/ns/web/sa/front'] }), true],
    ['another principal', from({ principals: ['cluster.local/ns/web/sa/back'] }), false],
    ['principals that begin so', from({ principals: ['cluster.local/ns/web/*'] }), true],
    ['principals that end so', from({ principals: ['*/sa/front'] }), true],
    ['everybody who has shown an identity', from({ principals: ['*'] }), true],
    ['everybody but one', from({ notPrincipals: ['cluster.local/ns/web/sa/front'] }), false],
    ['a namespace', from({ namespaces: ['web'] }), true],
    ['a namespace of which this one is the beginning', from({ namespaces: ['web-2'] }), false],
    ['a namespace, but not this principal', from({ namespaces: ['web'], notPrincipals: ['*/front'] }), false],
    [
      'one of two sources',
      { rules: [{ from: [{ source: { namespaces: ['x'] } }, { source: { namespaces: ['w*'] } }] }] },
      true,
    ],
    ['one of two rules', { rules: [{ to: [{ operation: { methods: ['POST'] } }] }, {}] }, true],
    ['method and path together', to({ methods: ['GET'], paths: ['/cart/*'] }), true],
    ['the method alone', to({ methods: ['GET'], paths: ['/order/*'] }), false],
    ['every path but', to({ notPaths: ['/cart/7', '/x'] }), false],
    ['the port of the pod', to({ ports: ['8080'] }), true],
    ['another port', to({ ports: ['80'] }), false],
    ['nothing', {}, false],
    ['pods of another version', { selector: { matchLabels: { version: 'v2' } } }, true],
  ] as const)('%s', (_what, spec, expected) => {
    expect(allowed(spec)).toBe(expected);
    // The same rules deny what they would allow, unless there are none to deny by or they are for others.
    const governs = !('selector' in spec) && 'rules' in spec;
    expect(allowed({ action: 'DENY', ...spec })).toBe(governs ? !expected : true);
  });

  it('takes a caller without identity for nobody', () => {
    for (const source of [{ principals: ['*'] }, { namespaces: ['*'] }])
      expect(allowed(from(source), { principal: undefined })).toBe(false);
    expect(allowed(from({ notPrincipals: ['*'] }), { principal: undefined })).toBe(true);
  });
});

describe('which policies govern a pod', () => {
  const denied = (...policies: KubeObject[]) => !isAllowed(authorizationOf(policies, POD), request());
  it('those of its namespace and of the root namespace that select it', () => {
    const all = { action: 'DENY', rules: [{}] };
    expect(denied(policy(all))).toBe(true);
    expect(denied(policy(all, 'istio-system'))).toBe(true);
    expect(denied(policy(all, 'elsewhere'))).toBe(false);
    expect(denied(policy({ ...all, selector: { matchLabels: { app: 'cart' } } }))).toBe(true);
    expect(denied(policy({ ...all, selector: { matchLabels: { app: 'cart', version: 'v2' } } }))).toBe(false);
  });

  it('a denial wins over whatever is allowed, in any order', () => {
    const both = [policy({ rules: [{}] }), policy({ action: 'DENY', rules: [{}] })];
    expect(denied(...both)).toBe(true);
    expect(denied(...both.reverse())).toBe(true);
  });
});

describe('a policy with what is not understood is left out whole, and says which field', () => {
  it.each([
    [{ action: 'CUSTOM', provider: { name: 'x' } }, 'spec.action'],
    [{ targetRefs: [{ kind: 'Gateway' }] }, 'spec.targetRefs'],
    [{ rules: [{ when: [{ key: 'source.ip', values: ['10.0.0.1'] }] }] }, 'spec.rules[0].when[0]'],
    [from({ ipBlocks: ['10.0.0.0/8'] }), 'spec.rules[0].from[0].source.ipBlocks'],
    [from({ notRequestPrincipals: ['*'] }), 'spec.rules[0].from[0].source.notRequestPrincipals'],
    [to({ hosts: ['shop'] }), 'spec.rules[0].to[0].operation.hosts'],
    [to({ paths: ['/cart/{*}'] }), 'spec.rules[0].to[0].operation.paths'],
    [to({ paths: ['/a*b'] }), 'spec.rules[0].to[0].operation.paths'],
  ])('%j', (spec, field) => {
    expect(notUnderstood(policy(spec))).toEqual([field]);
    expect(allowed(spec)).toBe(true);
    expect(allowed({ action: 'DENY', ...spec })).toBe(true);
  });

  it('whatever stands in it, nothing throws', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('action', 'rules', 'selector', 'targetRef'), fc.jsonValue()),
        (spec) => {
          expect(typeof allowed(spec)).toBe('boolean');
        },
      ),
    );
  });
});
