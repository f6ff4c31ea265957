import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { renderConfigDump, summarise, summariseConfigDump } from '../../src/mesh/configDump.js';
import { predictShare } from '../../src/mesh/predict.js';
import { caller, objects, pods, SUBSETS } from '../support/mesh.js';
import { service } from '../support/meshCases.js';
import { BASE, CALL, FQDN, named, OWN, tls, to, weighted } from './rows/tls.js';

describe('tcp rules', () => {
  const shop = `${service('{name: tcp, port: 443}')}---${SUBSETS}`;
  const rule = (tcp: string) => tls('[]', { more: `tcp: ${tcp}` });
  const share = (yaml: string) => {
    const all = [...objects(`${shop}---${yaml}`), ...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1)];
    const config = compileProxyConfig(all, caller());
    return predictShare(config, { ...CALL, method: 'GET', path: '/', headers: {} }, ({ version }) => version).share;
  };

  it.each([
    ['for subnets without the ClusterIP drop out', '[10.9.0.0/16]', { v1: 1 }],
    ['for subnets with the ClusterIP beat a rule for every address', '[10.0.0.0/8]', { v2: 1 }],
    ['for all addresses at once are rules for every address', '[0.0.0.0/0]', { v2: 1 }],
  ])('%s', (_says, subnets, expected) => {
    expect(share(rule(`[{match: [{destinationSubnets: ${subnets}}], ${to('v2')}}, {${to('v1')}}]`))).toEqual(expected);
  });
});

describe('a configuration dump', () => {
  it('holds the tls routes with their server names, as Envoy shows them', () => {
    const all = [
      ...objects(`${BASE}---${tls(`[${named(OWN, weighted(90, 10))}]`)}`),
      ...pods('shop', 'v1', 1),
      ...pods('shop', 'v2', 1),
    ];
    const config = compileProxyConfig(all, caller());
    const held = summariseConfigDump(JSON.parse(JSON.stringify(renderConfigDump(config))), FQDN);
    expect(held).toEqual(summarise(config, FQDN));
    expect(held!.routes).toMatchObject([{ port: 443, protocol: 'tcp', match: `server name ${FQDN}` }]);
  });
});
