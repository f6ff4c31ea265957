import { expect, test } from 'vitest';
import { notCovered } from '../../../src/lab/envoy/notCovered.js';
import { subsets, to, virtualService } from '../../support/labShop.js';

test('what every rehearsal covers is not spoken of', () => {
  expect(notCovered(virtualService({ route: [to('v1', 90), to('v2', 10)], timeout: '1s' }))).toEqual([]);
  expect(notCovered(subsets({ loadBalancer: { simple: 'ROUND_ROBIN' } }))).toEqual([]);
});

test('fields that reach no proxy are named with their place', () => {
  expect(notCovered(virtualService({ route: [to('v1')] }, { route: [to('v1')], corsPolicy: {} }))).toEqual([
    'VirtualService/demo/shop: spec.http[1].corsPolicy is not rehearsed',
  ]);
  expect(notCovered(subsets({ tls: { mode: 'ISTIO_MUTUAL' }, connectionPool: { http: { maxRetries: 1 } } }))).toEqual([
    'DestinationRule/demo/shop: spec.trafficPolicy.tls is not rehearsed',
    'DestinationRule/demo/shop: spec.trafficPolicy.connectionPool.http.maxRetries is not rehearsed',
  ]);
});

test('kinds that change nothing say what that means', () => {
  const object = {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'strict', namespace: 'a' },
  };
  expect(notCovered(object)).toEqual([
    'PeerAuthentication/a/strict is not rehearsed: the proxies tell each other who they are, and encrypt nothing',
  ]);
});

test('a policy is left out for what is not understood of it', () => {
  const policy = (rule: object) => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'deny', namespace: 'a' },
    spec: { action: 'DENY', rules: [rule] },
  });
  expect(notCovered(policy({ to: [{ operation: { methods: ['POST'] } }] }))).toEqual([]);
  expect(notCovered(policy({ to: [{ operation: { hosts: ['shop'] } }] }))).toEqual([
    'AuthorizationPolicy/a/deny is not rehearsed, for its spec.rules[0].to[0].operation.hosts',
  ]);
});
