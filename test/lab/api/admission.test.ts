import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../support/api-server.js';
import { deployment, service, virtualService } from '../../support/objects.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

const VS = '/apis/networking.istio.io/v1/namespaces/default/virtualservices?dryRun=All';
const DR = '/apis/networking.istio.io/v1/namespaces/default/destinationrules?dryRun=All';
const DENIED = 'admission webhook "validation.istio.io" denied the request: configuration is invalid: ';
const post = (body: unknown, path = VS, query = '') => cluster.call('POST', path + query, body);
const rule = (http: Record<string, unknown>) => virtualService('web', { v1: 1 }, http);
const mirror = { host: 'web', subset: 'v2' };

describe("what Istio's webhook refuses", () => {
  it.each<[string, unknown, string]>([
    ['two weights of zero', virtualService('web', { v1: 0, v2: 0 }), 'total destination weight = 0'],
    ['two omitted weights', virtualService('web', { v1: undefined, v2: undefined }), 'total destination weight = 0'],
    ['a negative weight', virtualService('web', { v1: 110, v2: -10 }), 'weight -10 < 0'],
    [
      'a mirror of 101 %',
      rule({ mirror, mirrorPercentage: { value: 101 } }),
      'mirror_percentage must have a max value of 100 (it has 101.000000)',
    ],
    [
      'a mirror of -1 %',
      rule({ mirror, mirrorPercentage: { value: -1 } }),
      'mirror_percentage must have a min value of 0 (it has -1.000000)',
    ],
    [
      'mirror together with mirrors',
      rule({ mirror, mirrors: [{ destination: mirror }] }),
      'HTTP route cannot contain both mirror and mirrors',
    ],
    [
      'one of several mirrors above 100 %',
      rule({ mirrors: [{ destination: mirror, percentage: { value: 100.5 } }] }),
      'mirror percentage must have a max value of 100 (it has 100.500000)',
    ],
    [
      'an abort of 101 %',
      rule({ fault: { abort: { httpStatus: 500, percentage: { value: 101 } } } }),
      'percentage 101 is neither 0.0, nor in range [0.0001, 100.0]',
    ],
    [
      'an abort with status 100',
      rule({ fault: { abort: { httpStatus: 100 } } }),
      'HTTP status 100 is not in range 200-599',
    ],
    [
      'a rule without a route',
      { ...rule({}), spec: { hosts: ['web'], http: [{ timeout: '1s' }] } },
      'HTTP route, redirect or direct_response is required',
    ],
    [
      'route together with redirect',
      rule({ redirect: { uri: '/' } }),
      'HTTP route cannot contain both route and redirect',
    ],
    [
      'no rule at all',
      { ...rule({}), spec: { hosts: ['web'] } },
      'http, tcp or tls must be provided in virtual service',
    ],
    [
      'host * in the mesh',
      { ...rule({}), spec: { ...rule({}).spec, hosts: ['*'] } },
      'wildcard host * is not allowed for virtual services bound to the mesh gateway',
    ],
    [
      'one host twice',
      { ...rule({}), spec: { ...rule({}).spec, hosts: ['web', 'web'] } },
      'duplicate hosts in virtual service: web & web',
    ],
    ['negative attempts', rule({ retries: { attempts: -1 } }), 'attempts cannot be negative'],
    [
      'a retry policy for no retries',
      rule({ retries: { attempts: 0, retryOn: '5xx' } }),
      'http retry policy configured when attempts are set to 0 (disabled)',
    ],
    [
      'a TCP route of zero weights',
      {
        ...rule({}),
        spec: {
          hosts: ['web'],
          tcp: [
            {
              route: [
                { destination: mirror, weight: 0 },
                { destination: mirror, weight: 0 },
              ],
            },
          ],
        },
      },
      'total destination weight = 0',
    ],
  ])('%s', async (_, body, message) => {
    const { json } = await post(body);
    expect(json).toMatchObject({ kind: 'Status', code: 400, message: DENIED + message });
    expect(json.reason).toBeUndefined();
  });

  it('several faults at once', async () => {
    const { json } = await post(virtualService('web', { v1: -1, v2: 1 }));
    expect(json.message).toBe(`${DENIED}2 errors occurred:\n\t* weight -1 < 0\n\t* total destination weight = 0\n\n`);
  });

  it('a DestinationRule without a host', async () => {
    const { json } = await post(
      { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'x' }, spec: {} },
      DR,
    );
    expect(json.message).toContain(`${DENIED}domain name ""`);
  });
});

describe('what the CRD refuses', () => {
  it.each<[string, unknown, string]>([
    [
      'a broken weight',
      virtualService('web', { v1: 99.5, v2: 1 }),
      'spec.http[0].route[0].weight: Invalid value: "number": spec.http[0].route[0].weight in body must be of type integer: "number"',
    ],
    [
      'a quoted weight',
      virtualService('web', { v1: '90', v2: 10 }),
      'spec.http[0].route[0].weight in body must be of type integer: "string"',
    ],
    [
      'an unquoted header value',
      rule({ match: [{ headers: { x: { exact: 1 } } }] }),
      'spec.http[0].match[0].headers.x.exact in body must be of type string: "integer"',
    ],
    [
      'a timeout without a unit',
      rule({ timeout: '5' }),
      'spec.http[0].timeout: Invalid value: "string": must be a valid duration greater than 1ms',
    ],
    [
      'a timeout of 0s, which is meant to be none',
      rule({ timeout: '0s' }),
      'spec.http[0].timeout: Invalid value: "string": must be a valid duration greater than 1ms',
    ],
    [
      'no time between retries',
      rule({ retries: { attempts: 2, backoff: '0s' } }),
      'spec.http[0].retries.backoff: Invalid value: "string": must be a valid duration greater than 1ms',
    ],
  ])('%s', async (_, body, message) => {
    const { json } = await post(body);
    expect(json).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { kind: 'VirtualService', group: 'networking.istio.io' },
    });
    expect(json.message).toContain(message);
  });
});

it('refuses durations of a DestinationRule, in the policies of subsets and ports too', async () => {
  const policy = { outlierDetection: { consecutive5xxErrors: 5, interval: '0s' } };
  const ofPort = {
    portLevelSettings: [{ port: { number: 80 }, connectionPool: { tcp: { connectTimeout: '500us' } } }],
  };
  const { json } = await post(
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'web' },
      spec: { host: 'web', trafficPolicy: ofPort, subsets: [{ name: 'v1', trafficPolicy: policy }] },
    },
    DR,
  );
  expect(json).toMatchObject({ code: 422, reason: 'Invalid' });
  expect(json.details.causes.map(({ field }: { field: string }) => field)).toEqual([
    'spec.trafficPolicy.portLevelSettings[0].connectionPool.tcp.connectTimeout',
    'spec.subsets[0].trafficPolicy.outlierDetection.interval',
  ]);
});

describe('what is accepted', () => {
  it.each<[string, unknown]>([
    ['weights that do not sum to 100', virtualService('web', { v1: 75, v2: 20 })],
    ['100/100', virtualService('web', { v1: 100, v2: 100 })],
    ['100/0', virtualService('web', { v1: 100, v2: 0 })],
    ['one destination of weight 0', virtualService('web', { v1: 0 })],
    ['an empty mirror percentage', rule({ mirror, mirrorPercentage: {} })],
    ['a subset that nothing defines', virtualService('web', { v9: 1 })],
    [
      'durations in all units',
      rule({
        timeout: '1m30.5s',
        retries: { attempts: 2, perTryTimeout: '250ms' },
        fault: { delay: { fixedDelay: '1h', percentage: { value: 0.5 } } },
      }),
    ],
  ])('%s', async (_, body) => {
    expect((await post(body)).status).toBe(201);
  });
});

describe('fields that nobody knows', () => {
  const typo = {
    ...rule({}),
    spec: {
      hosts: ['web'],
      http: [
        {
          route: [
            { destination: { host: 'web', subset: 'v1' }, weight: 90 },
            { destination: { host: 'web', subset: 'v2' }, wieght: 10 },
          ],
        },
      ],
    },
  };
  const path = 'spec.http[0].route[1].wieght';

  it('are refused when the client is strict', async () => {
    const { json } = await post(typo, VS, '&fieldValidation=Strict');
    expect(json).toMatchObject({
      code: 400,
      reason: 'BadRequest',
      message: `VirtualService in version "v1" cannot be handled as a VirtualService: strict decoding error: unknown field "${path}"`,
    });
  });
  it('are named and dropped otherwise: all traffic goes to v1', async () => {
    const warned = await post(typo);
    expect(warned.headers.get('warning')).toBe(`299 - "unknown field \\"${path}\\""`);
    expect(warned.json.spec.http[0].route[1]).toEqual({ destination: { host: 'web', subset: 'v2' } });
    expect((await post(typo, VS, '&fieldValidation=Ignore')).headers.get('warning')).toBeNull();
  });
  it.each<[string, string, object, string]>([
    [
      'a Service',
      '/api/v1/namespaces/default/services',
      { ...service('x', {}), spec: { ports: [{ port: 80, targetport: 81 }] } },
      'spec.ports[0].targetport',
    ],
    [
      'a Deployment',
      '/apis/apps/v1/namespaces/default/deployments',
      { ...deployment('x', { a: 'b' }), spec: { ...deployment('x', { a: 'b' }).spec, replcas: 3 } },
      'spec.replcas',
    ],
    [
      'a DestinationRule',
      '/apis/networking.istio.io/v1/namespaces/default/destinationrules',
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'DestinationRule',
        metadata: { name: 'x' },
        spec: { host: 'web', subset: [] },
      },
      'spec.subset',
    ],
  ])('of %s are found too', async (_, path, body, field) => {
    expect((await post(body, path, '?fieldValidation=Strict')).json.message).toContain(`unknown field "${field}"`);
  });
  it('wrong types of built-in kinds are refused when decoding', async () => {
    const body = { ...deployment('x', { a: 'b' }), spec: { ...deployment('x', { a: 'b' }).spec, replicas: 'three' } };
    expect((await post(body, '/apis/apps/v1/namespaces/default/deployments')).json.message).toContain(
      'json: cannot unmarshal string into field spec.replicas of type integer',
    );
  });
});

describe('warnings', () => {
  it.each<[string, unknown[], string]>([
    [
      'a rule behind a catch-all',
      [{ route: [{ destination: mirror }] }, { route: [{ destination: mirror }] }],
      'virtualService rule #1 not used (only the last rule can have no matches)',
    ],
    [
      'a rule behind prefix /',
      [
        { match: [{ uri: { prefix: '/' } }], route: [{ destination: mirror }] },
        { name: 'late', match: [{ uri: { exact: '/a' } }], route: [{ destination: mirror }] },
      ],
      'virtualService rule \\"late\\" not used (all matches used by prior rules)',
    ],
    [
      'the old mirrorPercent',
      [{ mirror, mirrorPercent: 5, route: [{ destination: mirror }] }],
      'using deprecated setting \\"mirrorPercent\\", use \\"mirrorPercentage\\" instead',
    ],
  ])('for %s', async (_, http, text) => {
    const answer = await post({ ...rule({}), spec: { hosts: ['web'], http } });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('warning')).toBe(`299 - "${text}"`);
  });
});

it('another admission takes the place of the built-in one', async () => {
  const seen: string[] = [];
  const other = await startCluster({
    admission: (resource, object, operation) => {
      seen.push(`${operation} ${resource} ${object.metadata.name}`);
      return ['looked at'];
    },
  });
  const answer = await other.call('POST', VS.split('?')[0]!, virtualService('web', { v1: 0, v2: 0 }));
  expect([answer.status, answer.headers.get('warning')]).toEqual([201, '299 - "looked at"']);
  await other.call('PUT', `${VS.split('?')[0]}/web`, answer.json);
  expect(seen).toEqual([
    'CREATE virtualservices.networking.istio.io web',
    'UPDATE virtualservices.networking.istio.io web',
  ]);
  await other.close();
});
