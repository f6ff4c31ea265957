import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { type Choice, choiceOf } from '../../src/mesh/choice.js';
import { objects, pods, SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';

const client = (index = 0, sidecar = true): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `client-${index}`, namespace: 'demo', labels: { app: 'client' } },
  spec: { containers: [{ name: 'client' }, ...(sidecar ? [{ name: 'istio-proxy' }] : [])] },
});

const callers = [0, 1].map(
  (index): KubeObject => ({
    ...client(index),
    metadata: {
      ...client(index).metadata,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'client', uid: 'u' }],
    },
  }),
);

const bare = callers.map((pod) => ({ ...pod, spec: { containers: [{ name: 'client' }] } }));

function choice(yaml: readonly string[], others: readonly KubeObject[] = callers, from = 'client'): Choice {
  const all = [...objects([...yaml].join('---')), ...pods('shop', 'v1', 3), ...pods('shop', 'v2', 1), ...others];
  return choiceOf(all, {
    from: { workload: from, namespace: 'demo' },
    service: { name: 'shop', namespace: 'demo' },
    versionOf: (own) => own.version,
  });
}

const port = (fields: string) => SERVICE.replace('name: http, port: 80', `${fields}, port: 80`);
const policy = (balancer: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: demo}
spec:
  host: shop
  trafficPolicy: {loadBalancer: ${balancer}}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`;
const byUser = '{consistentHash: {httpHeaderName: X-User}}';
const byAddress = '{consistentHash: {useSourceIp: true}}';
const canary = virtualService(split(90, 10));
const hidden = `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: demo}
spec: {egress: [{hosts: ["istio-system/*"]}]}
`;

describe('what one draw decides for', () => {
  const balanced = { by: 'balancing', replicas: { v1: 3, v2: 1 } };
  it.each([
    ['weights draw every request', [SERVICE, SUBSETS, canary], { unit: 'request', by: 'weight' }],
    [
      'weights draw every request under a hash policy too',
      [SERVICE, policy(byUser), canary],
      { unit: 'request', by: 'weight', key: undefined },
    ],
    [
      'without a route the proxies balance, by least requests unless told otherwise',
      [SERVICE, SUBSETS],
      { unit: 'request', ...balanced, discipline: 'least-request' },
    ],
    [
      'they alternate when told to',
      [SERVICE, policy('{simple: ROUND_ROBIN}')],
      { unit: 'request', ...balanced, discipline: 'round-robin' },
    ],
    [
      'a hash policy without a route ties a client to a pod',
      [SERVICE, policy(byUser)],
      {
        unit: 'key',
        ...balanced,
        key: { by: 'header', name: 'x-user' },
        why: 'consistentHash sends all with the same header x-user to one pod',
      },
    ],
    [
      'a port named tcp is drawn per connection, whatever the route says',
      [port('name: tcp-api'), SUBSETS, canary],
      { unit: 'connection', ...balanced, why: expect.stringContaining('port tcp-api is routed as TCP') },
    ],
    ['appProtocol tcp beats the name', [port('name: http, appProtocol: tcp')], { unit: 'connection', ...balanced }],
    [
      'a TCP port with a hash of the address ties a client to a pod',
      [port('name: tcp'), policy(byAddress)],
      { unit: 'key', key: { by: 'source-ip', name: '' } },
    ],
    [
      'a hash of a header means nothing to a TCP port',
      [port('name: tcp'), policy(byUser)],
      { unit: 'connection', key: undefined },
    ],
    ['a port without a name is detected as HTTP', [port('x: y'), SUBSETS, canary], { unit: 'request', by: 'weight' }],
    [
      'one version alone leaves nothing to draw',
      [SERVICE, SUBSETS, virtualService('[{route: [{destination: {host: shop, subset: v1}}]}]')],
      { unit: 'none' },
    ],
    [
      'a rule for one version beside the weights changes nothing',
      [
        SERVICE,
        SUBSETS,
        virtualService(
          `[{match: [{headers: {x: {exact: y}}}], route: [{destination: {host: shop, subset: v2}}]}, ${split(90, 10).slice(1)}`,
        ),
      ],
      { unit: 'request', by: 'weight' },
    ],
    [
      'a headless Service leaves the choice to the caller',
      [SERVICE.replace('clusterIP: 10.0.0.1', 'clusterIP: None')],
      { unit: 'connection', by: 'unknown', why: expect.stringContaining('headless') },
    ],
    [
      'a Service that a Sidecar hides is left to kube-proxy',
      [SERVICE, SUBSETS, canary, hidden],
      { unit: 'connection', ...balanced, discipline: 'kube-proxy' },
    ],
    ['no Service, no answer', [SUBSETS], { unit: 'unknown', why: 'there is no Service shop' }],
  ] as const)('%s', (_says, yaml, expected) => expect(choice(yaml)).toMatchObject(expected));

  it.each([
    [
      'a caller without a sidecar is left to kube-proxy',
      SERVICE,
      bare,
      { unit: 'connection', discipline: 'kube-proxy', why: expect.stringContaining('no pod of client has a sidecar') },
    ],
    [
      'session affinity then ties it to a pod',
      SERVICE.replace('clusterIP', 'sessionAffinity: ClientIP, clusterIP'),
      bare,
      { unit: 'key', key: { by: 'source-ip', name: '' } },
    ],
    ['callers with and without sidecar draw differently', SERVICE, [callers[0], bare[1]], { unit: 'unknown' }],
    ['a caller that is not there cannot be asked', SERVICE, [], { unit: 'unknown', why: 'no pod of client is known' }],
  ] as const)('%s', (_says, service, others, expected) =>
    expect(choice([service, canary, SUBSETS], others as KubeObject[])).toMatchObject(expected),
  );

  it('session affinity of the Service means nothing to a sidecar', () => {
    const service = SERVICE.replace('clusterIP', 'sessionAffinity: ClientIP, clusterIP');
    expect(choice([service, SUBSETS, canary]).unit).toBe('request');
  });

  it('knows a gateway as the place where the connections of the load end', () => {
    const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: demo}
spec: {selector: {app: client}, servers: [{port: {number: 80, protocol: HTTP, name: http}, hosts: ["*"]}]}
`;
    const bound = virtualService(split(90, 10), { hosts: '[shop.example]', more: 'gateways: [gw]' });
    expect(choice([SERVICE, SUBSETS, gateway, bound])).toMatchObject({ unit: 'request', by: 'weight', gateway: true });
    expect(choice([SERVICE, SUBSETS, canary]).gateway).toBe(false);
  });
});

describe('mirrors', () => {
  const to = (more: string) => `{route: [{destination: {host: shop, subset: v1}}]${more}}`;
  const mirror = ', mirror: {host: shop, subset: v2}';
  it.each([
    ['of every request are whole', `[${to(mirror)}]`, []],
    ['of reads only are partial', `[${to(`${mirror}, match: [{method: {exact: GET}}]`)}, ${to('')}]`, ['v2']],
    ['of every rule are whole', `[${to(`${mirror}, match: [{method: {exact: GET}}]`)}, ${to(mirror)}]`, []],
    ['that do not exist are none', `[${to('')}]`, []],
  ])('%s', (_says, http, partly) =>
    expect(choice([SERVICE, SUBSETS, virtualService(http)]).partlyMirrored).toEqual(partly),
  );

  it.each([
    ['reads', `[${to(`${mirror}, match: [{method: {exact: GET}}]`)}, ${to('')}]`, ['v2']],
    ['some reads', `[${to(`${mirror}, match: [{method: {exact: GET}, uri: {prefix: /a}}]`)}, ${to('')}]`, []],
    ['writes', `[${to(`${mirror}, match: [{method: {exact: POST}}]`)}, ${to('')}]`, []],
    [
      'reads but for a path',
      `[${to(', match: [{uri: {prefix: /a}}]')}, ${to(`${mirror}, match: [{method: {exact: GET}}]`)}, ${to('')}]`,
      [],
    ],
    ['everything, which is not partial', `[${to(mirror)}]`, []],
  ])('know whether every read is copied: %s', (_says, http, reads) =>
    expect(choice([SERVICE, SUBSETS, virtualService(http)]).mirroredReads).toEqual(reads),
  );
});
