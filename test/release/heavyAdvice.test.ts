import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { serviceOf, sidecarAdvice } from '../../src/release/heavyAdvice.js';

const api = { name: 'api', namespace: 'shop' };
const virtualService = (hosts: string[], spec: object = {}, namespace = 'shop'): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'routes', namespace },
  spec: { hosts, ...spec },
});
const peerAuthentication = (mode: string, namespace = 'shop'): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace },
  spec: { mtls: { mode } },
});

test.each<[string, KubeObject, boolean]>([
  ['routes of its short name, in its namespace', virtualService(['api']), true],
  ['the same short name elsewhere is another host', virtualService(['api'], {}, 'other'), false],
  ['its name with the namespace', virtualService(['api.shop'], {}, 'other'), true],
  ['its whole name', virtualService(['api.shop.svc.cluster.local'], {}, 'other'), true],
  ['a wildcard that covers it', virtualService(['*.shop.svc.cluster.local']), true],
  [
    'routes of a gateway only: they apply to whoever comes in by it',
    virtualService(['api'], { gateways: ['edge'] }),
    false,
  ],
  ['routes of a gateway and the mesh', virtualService(['api'], { gateways: ['edge', 'mesh'] }), true],
  ['strict mutual TLS in its namespace', peerAuthentication('STRICT'), true],
  ['strict mutual TLS everywhere', peerAuthentication('STRICT', 'istio-system'), true],
  ['mutual TLS that is not asked for', peerAuthentication('PERMISSIVE'), false],
])('%s', (_, object, warned) => {
  expect(sidecarAdvice([object], api, false)).toHaveLength(warned ? 1 : 0);
  expect(sidecarAdvice([object], api, true)).toEqual([]);
});

test.each<[string, ReturnType<typeof serviceOf>]>([
  ['http://api:5100/x', { name: 'api', namespace: 'load' }],
  ['http://api.shop:5100', api],
  ['https://api.shop.svc.cluster.local', api],
  ['http://www.example.com', undefined],
  ['http://10.0.0.1:80', undefined],
  ['http://localhost:7005', undefined],
])('%s', (url, service) => {
  expect(serviceOf(url, 'load')).toEqual(service);
});
