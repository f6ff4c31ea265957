import { describe, expect, it } from 'vitest';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { caller, objects, pods, SUBSETS, split, virtualService } from '../support/mesh.js';
import { both, rule, service, vs90 } from '../support/meshCases.js';

const entry = (spec: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pay, namespace: demo}
spec: {hosts: [pay.example.com], resolution: STATIC, ${spec}}
`;
const payRoutes = [
  rule('pay', 'demo', `{host: pay.example.com, ${both}}`),
  virtualService(split(90, 10).replaceAll('host: shop', 'host: pay.example.com'), { hosts: '[pay.example.com]' }),
];
const PORT = '{number: 9000, name: tcp, protocol: TCP}';

interface Row {
  readonly says: string;
  readonly code: string;
  readonly yaml: readonly string[];
  readonly object: string;
  readonly field: string;
}

const rows: readonly Row[] = [
  {
    says: 'a TCP port of a Service, by its name',
    code: 'PORT_NOT_HTTP',
    yaml: [service('{port: 80, name: tcp}'), SUBSETS, vs90],
    object: 'Service/demo/shop',
    field: 'spec.ports[0].name',
  },
  {
    says: 'ports before it that no proxy routes count as well',
    code: 'PORT_NOT_HTTP',
    yaml: [service('{port: 53, name: dns, protocol: UDP}, {port: 80, name: tcp}'), SUBSETS, vs90],
    object: 'Service/demo/shop',
    field: 'spec.ports[1].name',
  },
  {
    says: 'appProtocol, which beats the name',
    code: 'PORT_NOT_HTTP',
    yaml: [service('{port: 80, name: http, appProtocol: tcp}'), SUBSETS, vs90],
    object: 'Service/demo/shop',
    field: 'spec.ports[0].appProtocol',
  },
  {
    says: 'a TCP port of a ServiceEntry, by its protocol',
    code: 'PORT_NOT_HTTP',
    yaml: [
      entry(`addresses: [1.2.3.4], ports: [${PORT}], endpoints: [{address: 1.1.1.1, labels: {version: v1}}]`),
      ...payRoutes,
    ],
    object: 'ServiceEntry/demo/pay',
    field: 'spec.ports[0].protocol',
  },
  {
    says: 'the selector of a Service',
    code: 'SELECTOR_PINS_VERSION',
    yaml: [service('{port: 80, name: http}').replace('{app: shop}', '{app: shop, version: v1}'), SUBSETS, vs90],
    object: 'Service/demo/shop',
    field: 'spec.selector.version',
  },
  {
    says: 'the selector of a ServiceEntry',
    code: 'SELECTOR_PINS_VERSION',
    yaml: [
      entry('ports: [{number: 80, name: http, protocol: HTTP}], workloadSelector: {labels: {app: shop, version: v1}}'),
      ...payRoutes,
    ],
    object: 'ServiceEntry/demo/pay',
    field: 'spec.workloadSelector.labels.version',
  },
];

describe('warnings name the object that it is, and the field that is written', () => {
  it.each(rows)('$code: $says', ({ code, yaml, object, field }) => {
    const all = [...objects(yaml.join('---\n')), ...pods('shop', 'v1', 1), ...pods('shop', 'v2', 1)];
    const { warnings } = compileProxyConfig(all, caller());
    expect(warnings.filter((each) => each.code === code)).toMatchObject([{ object, field }]);
  });
});
