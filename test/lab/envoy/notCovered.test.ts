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
    kind: 'AuthorizationPolicy',
    metadata: { name: 'deny', namespace: 'a' },
  };
  expect(notCovered(object)).toEqual(['AuthorizationPolicy/a/deny is not rehearsed: nothing is denied']);
});
