import type { RequestListener } from 'node:http';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { subsets, type TestMesh, type TestPod, to, virtualService } from './labMesh.js';

/** Answers with these statuses in turn, the last one for ever. */
function statuses(...codes: number[]): RequestListener {
  let served = 0;
  return (_request, response) => {
    const code = codes[Math.min(served++, codes.length - 1)] ?? 200;
    response.writeHead(code);
    response.end('app');
  };
}

const slow =
  (ms: number): RequestListener =>
  (_request, response) => {
    setTimeout(() => response.end('late'), ms);
  };

const ok = () => statuses(200);
const closes = {
  raw: (socket: { once: (e: string, f: () => void) => void; destroy: () => void }) =>
    socket.once('data', () => socket.destroy()),
};
const garbage = {
  raw: (socket: { once: (e: string, f: () => void) => void; end: (t: string) => void }) =>
    socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n')),
};

const v1 = (app: TestPod['app'], sidecar = true): TestPod => ({ name: 'shop-v1-1', version: 'v1', sidecar, app });
const v2 = (app: TestPod['app'], sidecar = true): TestPod => ({ name: 'shop-v2-1', version: 'v2', sidecar, app });

/** All requests to v1, with whatever else the rule says. */
const toV1 = (rule: object = {}): KubeObject[] => [subsets(), virtualService({ route: [to('v1')], ...rule })];

/** A policy for the pods of `shop`, or those of one version. */
const policy = (spec: object, version?: string): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'shop', namespace: 'demo' },
  spec: { ...(version ? { selector: { matchLabels: { version } } } : {}), ...spec },
});
const WEB = 'cluster.local/ns/demo/sa/default';
const source = (fields: object) => ({ from: [{ source: fields }] });
const operation = (fields: object) => ({ to: [{ operation: fields }] });
const DENIED = {
  status: 403,
  source: ['1x 403 - shop-v1 v1 shop'],
  destination: ['1x 403 - shop-v1<web v1 shop'],
};
const PASSED = {
  status: 200,
  source: ['1x 200 - shop-v1 v1 shop'],
  destination: ['1x 200 - shop-v1<web v1 shop'],
};

/** One request and what both ledgers hold afterwards. */
export interface ProxyCase {
  readonly name: string;
  readonly pods: readonly TestPod[];
  readonly rules?: readonly KubeObject[];
  readonly request?: Parameters<TestMesh['send']>[0];
  readonly status: number;
  /** `code flags workload version service`, each preceded by its count. */
  readonly source: readonly string[];
  readonly destination: readonly string[];
}

const NO_RETRY = { retries: { attempts: 0 } };
const RETRY_5XX = { retries: { attempts: 2, retryOn: '5xx' } };

/** The cases that any sidecar must count alike. Applications keep state, so each use makes its own. */
export const proxyCases = (): readonly ProxyCase[] => [
  {
    name: 'a request through two sidecars is counted once on each side',
    pods: [v1(ok())],
    status: 200,
    source: ['1x 200 - shop-v1 v1 shop'],
    destination: ['1x 200 - shop-v1<web v1 shop'],
  },
  {
    name: 'an error of the application is passed on and counted on both sides; the default policy does not retry 503',
    pods: [v1(statuses(503))],
    status: 503,
    source: ['1x 503 - shop-v1 v1 shop'],
    destination: ['1x 503 - shop-v1<web v1 shop'],
  },
  {
    name: 'a path without a route is 404 NR and names the Host header',
    pods: [v1(ok())],
    rules: [subsets(), virtualService({ match: [{ uri: { prefix: '/api' } }], route: [to('v1')] })],
    request: { path: '/other' },
    status: 404,
    source: ['1x 404 NR unknown unknown shop:8000'],
    destination: [],
  },
  {
    name: 'a subset that no destination rule has is 503 NC and names the Host header',
    pods: [v1(ok())],
    rules: [virtualService({ route: [to('v9')] })],
    status: 503,
    source: ['1x 503 NC unknown unknown shop:8000'],
    destination: [],
  },
  {
    name: 'a subset without pods is 503 UH and the Service is known',
    pods: [v1(ok())],
    rules: [subsets(), virtualService({ route: [to('v2')] })],
    status: 503,
    source: ['1x 503 UH unknown unknown shop'],
    destination: [],
  },
  {
    name: 'an unready pod takes no traffic',
    pods: [{ ...v1(ok()), ready: false }],
    status: 503,
    source: ['1x 503 UH unknown unknown shop'],
    destination: [],
  },
  {
    name: 'a pod without sidecar that is gone is 503 URX,UF after the default retries, its version unknown',
    pods: [v1('dead', false)],
    status: 503,
    source: ['1x 503 UF,URX shop-v1 unknown shop'],
    destination: [],
  },
  {
    name: 'without retries it is 503 UF',
    pods: [v1('dead', false)],
    rules: toV1(NO_RETRY),
    status: 503,
    source: ['1x 503 UF shop-v1 unknown shop'],
    destination: [],
  },
  {
    name: 'an application that closes behind a living sidecar is 503 at the source and UC at the destination',
    pods: [v1(closes)],
    status: 503,
    source: ['1x 503 - shop-v1 v1 shop'],
    destination: ['1x 503 UC shop-v1<web v1 shop'],
  },
  {
    name: 'a dead application behind a living sidecar is 503 at the source and UF at the destination',
    pods: [v1('dead')],
    status: 503,
    source: ['1x 503 - shop-v1 v1 shop'],
    destination: ['1x 503 UF shop-v1<web v1 shop'],
  },
  {
    name: 'a server without sidecar is counted at the source only, its version unknown',
    pods: [v1(ok(), false)],
    status: 200,
    source: ['1x 200 - shop-v1 unknown shop'],
    destination: [],
  },
  {
    name: 'a server without sidecar that closes is UC',
    pods: [v1(closes, false)],
    status: 503,
    source: ['1x 503 UC shop-v1 unknown shop'],
    destination: [],
  },
  {
    name: 'a server without sidecar that answers garbage is 502 UPE',
    pods: [v1(garbage, false)],
    status: 502,
    source: ['1x 502 UPE shop-v1 unknown shop'],
    destination: [],
  },
  {
    name: 'the route timeout is 504 UT, and 0 DC at the destination',
    pods: [v1(slow(3000))],
    rules: toV1({ timeout: '0.1s' }),
    status: 504,
    source: ['1x 504 UT shop-v1 unknown shop'],
    destination: ['1x 0 DC shop-v1<web v1 shop'],
  },
  {
    name: 'the timeout of every try with two retries is one URX,UT, and 0 DC three times at the destination',
    pods: [v1(slow(3000))],
    rules: toV1({ retries: { attempts: 2, retryOn: '5xx', perTryTimeout: '0.1s' } }),
    status: 504,
    source: ['1x 504 URX,UT shop-v1 unknown shop'],
    destination: ['3x 0 DC shop-v1<web v1 shop'],
  },
  {
    name: 'a retry that succeeds leaves one entry at the source and one per attempt at the destination',
    pods: [v1(statuses(503, 503, 200))],
    rules: toV1(RETRY_5XX),
    status: 200,
    source: ['1x 200 - shop-v1 v1 shop'],
    destination: ['1x 200 - shop-v1<web v1 shop', '2x 503 - shop-v1<web v1 shop'],
  },
  {
    name: 'retries that never succeed end as URX',
    pods: [v1(statuses(500))],
    rules: toV1(RETRY_5XX),
    status: 500,
    source: ['1x 500 URX shop-v1 v1 shop'],
    destination: ['3x 500 - shop-v1<web v1 shop'],
  },
  {
    name: 'a retry avoids the host that refused',
    pods: [v1('dead', false), { name: 'shop-v1-2', version: 'v1', sidecar: true, app: ok() }],
    rules: [subsets({ loadBalancer: { simple: 'ROUND_ROBIN' } }), virtualService({ route: [to('v1')] })],
    status: 200,
    source: ['1x 200 - shop-v1 v1 shop'],
    destination: ['1x 200 - shop-v1<web v1 shop'],
  },
  {
    name: 'an abort is FI and reaches nobody, whatever the retries and mirrors of the route',
    pods: [v1(ok()), v2(ok())],
    rules: toV1({
      fault: { abort: { percentage: { value: 100 }, httpStatus: 555 } },
      ...RETRY_5XX,
      mirror: { host: 'shop', subset: 'v2' },
    }),
    status: 555,
    source: ['1x 555 FI unknown unknown shop'],
    destination: [],
  },
  {
    name: 'a delay is DI at the source and invisible at the destination, and no route timeout counts it',
    pods: [v1(ok())],
    rules: toV1({ fault: { delay: { percentage: { value: 100 }, fixedDelay: '0.2s' } }, timeout: '0.1s' }),
    status: 200,
    source: ['1x 200 DI shop-v1 v1 shop'],
    destination: ['1x 200 - shop-v1<web v1 shop'],
  },
  {
    name: 'a delay and an abort are both flagged',
    pods: [v1(ok())],
    rules: toV1({
      fault: {
        delay: { percentage: { value: 100 }, fixedDelay: '0.05s' },
        abort: { percentage: { value: 100 }, httpStatus: 503 },
      },
    }),
    status: 503,
    source: ['1x 503 DI,FI unknown unknown shop'],
    destination: [],
  },
  {
    name: 'a mirrored copy is counted at its destination only, with the client as its source',
    pods: [v1(ok()), v2(ok())],
    rules: toV1({ mirror: { host: 'shop', subset: 'v2' } }),
    status: 200,
    source: ['1x 200 - shop-v1 v1 shop'],
    destination: ['1x 200 - shop-v1<web v1 shop', '1x 200 - shop-v2<web v2 shop'],
  },
  {
    name: 'a mirror to a subset without pods changes nothing',
    pods: [v1(ok())],
    rules: toV1({ mirror: { host: 'shop', subset: 'v2' } }),
    status: 200,
    source: ['1x 200 - shop-v1 v1 shop'],
    destination: ['1x 200 - shop-v1<web v1 shop'],
  },
  {
    name: 'a mirror to a refusing pod changes nothing',
    pods: [v1(ok()), v2('dead', false)],
    rules: toV1({ mirror: { host: 'shop', subset: 'v2' } }),
    status: 200,
    source: ['1x 200 - shop-v1 v1 shop'],
    destination: ['1x 200 - shop-v1<web v1 shop'],
  },
  {
    name: 'a request that is tried three times is mirrored once',
    pods: [v1(statuses(503)), v2(ok())],
    rules: toV1({ ...RETRY_5XX, mirror: { host: 'shop', subset: 'v2' } }),
    status: 503,
    source: ['1x 503 URX shop-v1 v1 shop'],
    destination: ['1x 200 - shop-v2<web v2 shop', '3x 503 - shop-v1<web v1 shop'],
  },
  {
    name: 'a redirect reaches nobody and names the Host header',
    pods: [v1(ok())],
    rules: [virtualService({ redirect: { uri: '/moved' } })],
    status: 301,
    source: ['1x 301 - unknown unknown shop:8000'],
    destination: [],
  },
  {
    name: 'a direct response reaches nobody and names the Host header',
    pods: [v1(ok())],
    rules: [virtualService({ directResponse: { status: 418, body: { string: 'teapot' } } })],
    status: 418,
    source: ['1x 418 - unknown unknown shop:8000'],
    destination: [],
  },
  {
    name: 'a caller whom a policy denies gets 403 without a flag, counted on both sides; no retry helps',
    pods: [v1(ok())],
    rules: [...toV1(RETRY_5XX), policy({ action: 'DENY', rules: [source({ principals: [WEB] })] })],
    ...DENIED,
  },
  {
    name: 'whom another namespace is allowed is denied',
    pods: [v1(ok())],
    rules: [...toV1(), policy({ rules: [source({ namespaces: ['other', 'de'] })] })],
    ...DENIED,
  },
  {
    name: 'a caller of an allowed namespace passes, by prefix as well',
    pods: [v1(ok())],
    rules: [...toV1(), policy({ rules: [source({ namespaces: ['other', 'de*'] })] })],
    ...PASSED,
  },
  {
    name: 'a policy that allows nothing denies everything',
    pods: [v1(ok())],
    rules: [...toV1(), policy({})],
    ...DENIED,
  },
  {
    name: 'a policy that denies nothing changes nothing',
    pods: [v1(ok())],
    rules: [...toV1(), policy({ action: 'DENY' })],
    ...PASSED,
  },
  {
    name: 'a path is compared without its query, and method and path of one operation together',
    pods: [v1(ok())],
    rules: [...toV1(), policy({ rules: [operation({ methods: ['GET'], paths: ['/cart/*', '*.png'] })] })],
    request: { path: '/cart/7?full' },
    ...PASSED,
  },
  {
    name: 'another method on an allowed path is denied',
    pods: [v1(ok())],
    rules: [...toV1(), policy({ rules: [operation({ methods: ['POST'], paths: ['/cart/*'] })] })],
    request: { path: '/cart/7' },
    ...DENIED,
  },
  {
    name: 'what is not one of the paths is denied',
    pods: [v1(ok())],
    rules: [...toV1(), policy({ action: 'DENY', rules: [operation({ notPaths: ['/health', '/cart*'] })] })],
    request: { path: '/admin' },
    ...DENIED,
  },
  {
    name: 'a port is the one of the pod',
    pods: [v1(ok())],
    rules: [...toV1(), policy({ rules: [operation({ ports: ['8000'] })] })],
    ...DENIED,
  },
  {
    name: 'a rule of the port of the pod holds',
    pods: [v1(ok())],
    rules: [...toV1(), policy({ rules: [{ ...source({ principals: ['*'] }), ...operation({ ports: ['9000'] }) }] })],
    ...PASSED,
  },
  {
    name: 'a caller who is none of these is denied',
    pods: [v1(ok())],
    rules: [...toV1(), policy({ action: 'DENY', rules: [source({ notPrincipals: ['*/sa/admin', 'x/*'] })] })],
    ...DENIED,
  },
  {
    name: 'what is denied comes before what is allowed',
    pods: [v1(ok())],
    rules: [
      ...toV1(),
      policy({ rules: [{}] }),
      {
        ...policy({ action: 'DENY', rules: [operation({ paths: ['/'] })] }),
        metadata: { name: 'no', namespace: 'demo' },
      },
    ],
    ...DENIED,
  },
  {
    name: 'a policy of the root namespace governs every pod',
    pods: [v1(ok())],
    rules: [
      ...toV1(),
      { ...policy({ action: 'DENY', rules: [{}] }), metadata: { name: 'all', namespace: 'istio-system' } },
    ],
    ...DENIED,
  },
  {
    name: 'one of another namespace governs none',
    pods: [v1(ok())],
    rules: [...toV1(), { ...policy({}), metadata: { name: 'all', namespace: 'other' } }],
    ...PASSED,
  },
  {
    name: 'a copy that is denied is counted where it arrived, and changes nothing',
    pods: [v1(ok()), v2(ok())],
    rules: [...toV1({ mirror: { host: 'shop', subset: 'v2' } }), policy({ action: 'DENY', rules: [{}] }, 'v2')],
    status: 200,
    source: ['1x 200 - shop-v1 v1 shop'],
    destination: ['1x 200 - shop-v1<web v1 shop', '1x 403 - shop-v2<web v2 shop'],
  },
  {
    name: 'a policy that is not understood is left out whole',
    pods: [v1(ok())],
    rules: [
      ...toV1(),
      policy({
        rules: [{ ...source({ namespaces: ['other'] }), when: [{ key: 'source.ip', values: ['10.0.0.0/8'] }] }],
      }),
    ],
    ...PASSED,
  },
];
