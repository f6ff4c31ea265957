import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ASK, document, explain, FILES, folder } from '../support/explain.js';
import { SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';

describe('the document', () => {
  it('holds what the contract promises', async () => {
    const dir = folder(FILES);
    expect(await document(dir, ...ASK)).toEqual({
      from: 'client.demo',
      to: 'shop:80',
      routes: [
        {
          name: 'http[0]',
          matches: [],
          destinations: [
            { host: 'shop.demo.svc.cluster.local', subset: 'v1', port: 80, weight: 90, endpoints: 1, exists: true },
            { host: 'shop.demo.svc.cluster.local', subset: 'v2', port: 80, weight: 10, endpoints: 1, exists: true },
          ],
          mirrors: [],
          fault: {},
          retries: {
            attempts: 2,
            retryOn: ['connect-failure', 'refused-stream', 'unavailable', 'cancelled', 'retriable-status-codes'],
            statusCodes: [],
            perTryTimeoutMs: 0,
          },
          timeoutMs: 0,
          field: 'spec.http[0]',
        },
      ],
      share: { v1: 0.9, v2: 0.1 },
      failed: {},
      mirrored: {},
      protocol: 'http',
      warnings: [],
      source: 'VirtualService/demo/shop',
      taken: 0,
    });
  });

  it('shows the tls rules of a port for TLS by their server names, and which one takes the connection', async () => {
    const service = SERVICE.replace('{name: http, port: 80, targetPort: 8080}', '{name: https, port: 443}');
    const fqdn = 'shop.demo.svc.cluster.local';
    const route = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: demo}
spec:
  hosts: [other.demo.svc.cluster.local, ${fqdn}]
  tls:
    - {match: [{sniHosts: [other.demo.svc.cluster.local]}], route: [{destination: {host: shop, subset: v1}}]}
    - {match: [{sniHosts: [${fqdn}]}], route: [{destination: {host: shop, subset: v1}, weight: 90}, {destination: {host: shop, subset: v2}, weight: 10}]}
`;
    const dir = folder({ ...FILES, 'm/service.yaml': service, 'm/mesh.yaml': [SUBSETS, route].join('---') });
    const asked = ['-f', 'm', '--from', 'client.demo', '--to', `${fqdn}:443`];
    const { routes, share, taken, protocol, source } = await document(dir, ...asked);
    expect(routes.map(({ name, matches, field }) => ({ name, matches, field }))).toEqual([
      { name: 'tls', matches: ['server name other.demo.svc.cluster.local'], field: 'spec.tls[0].match[0]' },
      { name: 'tls', matches: [`server name ${fqdn}`], field: 'spec.tls[1].match[0]' },
    ]);
    expect({ share, taken, protocol, source }).toEqual({
      share: { v1: 0.9, v2: 0.1 },
      taken: 1,
      protocol: 'tcp',
      source: 'VirtualService/demo/shop',
    });
  });

  it('finds the port of a host that is given without one', async () => {
    const dir = folder(FILES);
    expect((await document(dir, '-f', 'm', '--from', 'client.demo', '--to', 'shop')).to).toBe('shop:80');
  });

  it('follows method, path and headers of the request', async () => {
    const rule = `[{match: [{method: {exact: POST}, uri: {prefix: /api}, headers: {x-canary: {exact: "1"}}}], route: [{destination: {host: shop, subset: v2}}]}, {route: [{destination: {host: shop, subset: v1}}], mirror: {host: shop, subset: v2}, mirrorPercentage: {value: 20}}]`;
    const dir = folder({ ...FILES, 'm/mesh.yaml': [SUBSETS, virtualService(rule)].join('---') });
    const plain = await document(dir, ...ASK);
    expect([plain.share, plain.mirrored, plain.taken]).toEqual([{ v1: 1 }, { v2: 0.2 }, 1]);
    const asked = await document(
      dir,
      ...ASK,
      '--method',
      'post',
      '--path',
      '/api/a?b=c',
      '--header',
      'X-Canary=1',
      '--header',
      'y=',
    );
    expect([asked.share, asked.mirrored, asked.taken]).toEqual([{ v2: 1 }, {}, 0]);
    expect(asked.routes[0]!.matches).toEqual(['header x-canary exact 1, method exact POST, path prefix /api']);
  });

  it('tells the versions apart by the label that is asked for', async () => {
    const dir = folder(FILES);
    expect((await document(dir, ...ASK, '--version-label', 'app')).share).toEqual({ shop: 1 });
    expect((await document(dir, ...ASK, '--version-label', 'nope')).share).toEqual({ unknown: 1 });
  });

  it('names file and line of the field that a warning is about', async () => {
    const pinned = SERVICE.replace('{app: shop}', '{app: shop, version: v1}');
    const dir = folder({ ...FILES, 'm/service.yaml': pinned });
    const { warnings, failed } = await document(dir, ...ASK);
    expect(failed).toEqual({ '503 UH': 0.1 });
    expect(warnings).toMatchObject([
      { code: 'SELECTOR_PINS_VERSION', field: 'spec.selector.version', file: join('m', 'service.yaml'), line: 5 },
    ]);
  });

  it('lets the last of two definitions count, and says so', async () => {
    const dir = folder({ ...FILES, 'later.yaml': virtualService(split(50, 50)) });
    const { share, warnings } = await document(
      dir,
      '-f',
      'm',
      '-f',
      'later.yaml',
      '--from',
      'client.demo',
      '--to',
      'shop',
    );
    expect(share).toEqual({ v1: 0.5, v2: 0.5 });
    expect(warnings).toMatchObject([{ code: 'DEFINED_TWICE', object: 'VirtualService/demo/shop', file: 'later.yaml' }]);
  });

  it('takes a List apart and gives objects without a namespace the one of the caller', async () => {
    const list = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'shop' },
          spec: { selector: { app: 'shop' }, ports: [{ name: 'http', port: 80 }] },
        },
      ],
    });
    const dir = folder({ ...FILES, 'm/service.yaml': list });
    expect((await document(dir, ...ASK)).share).toEqual({ v1: 0.9, v2: 0.1 });
  });

  it('routes for a gateway workload', async () => {
    const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: demo}
spec: {selector: {app: client}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}
`;
    const outside = virtualService(split(80, 20), { hosts: '[shop.example.com]', more: 'gateways: [gw]' });
    const dir = folder({ ...FILES, 'm/mesh.yaml': [SUBSETS, gateway, outside].join('---') });
    const { share, to } = await document(
      dir,
      '-f',
      'm',
      '--gateway',
      '--from',
      'client.demo',
      '--to',
      'shop.example.com',
    );
    expect([share, to]).toEqual([{ v1: 0.8, v2: 0.2 }, 'shop.example.com:8080']);
  });
});

it('the table says for people where the requests go and what fails', async () => {
  const pinned = SERVICE.replace('{app: shop}', '{app: shop, version: v1}');
  const fault = virtualService(
    split(90, 10).replace('[{', '[{timeout: 3s, fault: {abort: {httpStatus: 418, percentage: {value: 50}}}, '),
  );
  const dir = folder({ ...FILES, 'm/service.yaml': pinned, 'm/mesh.yaml': [SUBSETS, fault].join('---') });
  const { stdout } = await explain(dir, ...ASK);
  expect(stdout).toBe(`client.demo → shop:80  routed as HTTP, request by request
routes of VirtualService/demo/shop

     matches        destination                        weight  share                       ready
  1  every request  shop.demo.svc.cluster.local:80 v1  90      ██████████████████░░  90 %  1
                    shop.demo.svc.cluster.local:80 v2  10      ██░░░░░░░░░░░░░░░░░░  10 %  0
  1: 50 % aborted with 418; 2 retries on connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes; timeout 3000 ms

GET / goes
    v1      █████████░░░░░░░░░░░  45 %
    418 FI  ██████████░░░░░░░░░░  50 %  injected fault
    503 UH  █░░░░░░░░░░░░░░░░░░░  5 %   no ready endpoint

1 warning
  SELECTOR_PINS_VERSION  Service/demo/shop spec.selector.version (m/service.yaml:5)
      The selector pins version: v1, so no pod of subset v2 (version: v2) is behind the Service; remove that label from the selector. Its share is answered 503 UH.
`);
});
