import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/base/kubernetes.js';
import { compileProxyConfig } from '../../src/mesh/compile.js';
import { predictShare } from '../../src/mesh/predict.js';
import { receiversOf } from '../../src/mesh/receivers.js';
import type { Caller } from '../../src/mesh/types.js';
import { caller, objects, pods, SERVICE } from '../support/mesh.js';
import { EVEN, NEW, OLD, service } from '../support/meshCases.js';

const meshed = (pod: KubeObject): KubeObject => ({
  ...pod,
  spec: { containers: [...((pod.spec?.containers ?? []) as object[]), { name: 'istio-proxy' }] },
});
const V1 = pods('shop', 'v1', 1).map(meshed);
const V2 = pods('shop', 'v2', 1).map(meshed);
const BARE_V2 = pods('shop', 'v2', 1);

const policy = (spec: string, over: { name?: string; namespace?: string; created?: string } = {}) => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: ${over.name ?? 'p'}, namespace: ${over.namespace ?? 'demo'}, creationTimestamp: "${over.created ?? OLD}"}
spec: ${spec}
`;
const STRICT = '{mtls: {mode: STRICT}}';
const MESH = { namespace: 'istio-system' };
const tls = (mode: string, more = '') => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: demo}
spec: {host: shop, trafficPolicy: {tls: {mode: ${mode}}}${more}}
`;
const AT_GATEWAY = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: demo}
spec: {selector: {app: client}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: demo}
spec: {hosts: ["*"], gateways: [gw], http: [{route: [{destination: {host: shop}}]}]}
`;
const BARE: Partial<Caller> = { sidecar: false };

interface Row {
  readonly says: string;
  readonly yaml?: readonly string[];
  readonly base?: string;
  readonly pods?: readonly KubeObject[];
  readonly from?: Partial<Caller>;
  readonly share?: Record<string, number>;
  readonly failed?: Record<string, number>;
  readonly warns?: readonly string[];
}

const ROWS: readonly Row[] = [
  { says: 'without any policy a caller without a sidecar is answered', from: BARE, share: EVEN, warns: [] },
  {
    says: 'STRICT for the mesh resets a caller without a sidecar, which the policy is warned of',
    yaml: [policy(STRICT, MESH)],
    from: BARE,
    failed: { '000 reset': 1 },
    warns: ['PLAIN_TEXT_TO_STRICT PeerAuthentication/istio-system/p spec.mtls.mode'],
  },
  {
    says: 'STRICT lets callers with a sidecar through, since the mesh chooses mutual TLS for them',
    yaml: [policy(STRICT, MESH)],
    share: EVEN,
    warns: [],
  },
  {
    says: 'STRICT does nothing to pods that have no sidecar themselves',
    yaml: [policy(STRICT)],
    pods: [...V1, ...BARE_V2],
    from: BARE,
    share: { v2: 0.5 },
    failed: { '000 reset': 0.5 },
  },
  {
    says: 'the policy of the namespace beats the one of the mesh',
    yaml: [policy(STRICT, MESH), policy('{mtls: {mode: PERMISSIVE}}')],
    from: BARE,
    share: EVEN,
    warns: [],
  },
  {
    says: 'UNSET takes over what the mesh says',
    yaml: [policy(STRICT, MESH), policy('{mtls: {mode: UNSET}}')],
    from: BARE,
    failed: { '000 reset': 1 },
  },
  {
    says: 'a policy of another namespace does nothing',
    yaml: [policy(STRICT, { namespace: 'ops' })],
    from: BARE,
    share: EVEN,
  },
  {
    says: 'a policy that selects pods beats the one of the namespace for them',
    yaml: [
      policy(STRICT),
      policy('{selector: {matchLabels: {version: v2}}, mtls: {mode: PERMISSIVE}}', { name: 'v2' }),
    ],
    from: BARE,
    share: { v2: 0.5 },
    failed: { '000 reset': 0.5 },
  },
  {
    says: 'of two for the namespace the older counts, and the younger is warned of',
    yaml: [policy(STRICT, { name: 'young', created: NEW }), policy('{mtls: {mode: PERMISSIVE}}', { name: 'old' })],
    from: BARE,
    share: EVEN,
    warns: ['PEER_AUTHENTICATION_IGNORED PeerAuthentication/demo/young spec.mtls'],
  },
  {
    says: 'a policy of the root namespace that selects pods has no effect, with a warning',
    yaml: [policy('{selector: {matchLabels: {app: shop}}, mtls: {mode: STRICT}}', MESH)],
    from: BARE,
    share: EVEN,
    warns: ['PEER_AUTHENTICATION_IGNORED PeerAuthentication/istio-system/p spec.selector'],
  },
  {
    says: 'the mode of a port beats the mode of the workload',
    yaml: [
      policy('{selector: {matchLabels: {app: shop}}, mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: PERMISSIVE}}}'),
    ],
    from: BARE,
    share: EVEN,
  },
  {
    says: 'the mode of a port is for the port of the pods: the Service port in its place changes nothing, with a warning',
    yaml: [
      policy('{selector: {matchLabels: {app: shop}}, mtls: {mode: PERMISSIVE}, portLevelMtls: {80: {mode: STRICT}}}'),
    ],
    from: BARE,
    share: EVEN,
    warns: ['PORT_OF_SERVICE PeerAuthentication/demo/p spec.portLevelMtls.80'],
  },
  {
    says: 'tls mode DISABLE towards STRICT pods is answered 503 UC, which the rule is warned of',
    yaml: [policy(STRICT), tls('DISABLE')],
    failed: { '503 UC': 1 },
    warns: ['TLS_MODE_TO_STRICT DestinationRule/demo/shop spec.trafficPolicy.tls.mode'],
  },
  {
    says: 'tls mode DISABLE towards PERMISSIVE pods does no harm',
    yaml: [tls('DISABLE')],
    share: EVEN,
    warns: [],
  },
  {
    says: 'tls mode DISABLE on a TCP port resets the connections to STRICT pods',
    base: service('{name: tcp, port: 80, targetPort: 8080}'),
    yaml: [policy(STRICT), tls('DISABLE')],
    failed: { '000 reset': 1 },
  },
  {
    says: 'tls mode ISTIO_MUTUAL fails with UF at pods without a sidecar, which the rule is warned of',
    yaml: [tls('ISTIO_MUTUAL')],
    pods: [...V1, ...BARE_V2],
    share: { v1: 0.5 },
    failed: { '503 UF': 0.5 },
    warns: ['MUTUAL_TLS_NOT_TAKEN DestinationRule/demo/shop spec.trafficPolicy.tls.mode'],
  },
  {
    says: 'tls mode ISTIO_MUTUAL fails with UF at pods that take plain text alone',
    yaml: [policy('{mtls: {mode: DISABLE}}'), tls('ISTIO_MUTUAL')],
    failed: { '503 UF': 1 },
    warns: ['MUTUAL_TLS_NOT_TAKEN DestinationRule/demo/shop spec.trafficPolicy.tls.mode'],
  },
  {
    says: 'without a rule pods without a sidecar are called in plain text',
    pods: [...V1, ...BARE_V2],
    share: EVEN,
    warns: [],
  },
  {
    says: "certificates that are not the mesh's (tls mode SIMPLE) fail with UF at STRICT pods",
    yaml: [policy(STRICT), tls('SIMPLE')],
    failed: { '503 UF': 1 },
    warns: ['TLS_MODE_TO_STRICT DestinationRule/demo/shop spec.trafficPolicy.tls.mode'],
  },
  {
    says: "certificates that are not the mesh's (tls mode SIMPLE) fail with UF at HTTP ports of any pod with a sidecar",
    yaml: [tls('SIMPLE')],
    pods: [...V1, ...BARE_V2],
    share: { v2: 0.5 },
    failed: { '503 UF': 0.5 },
    warns: ['TLS_MODE_TO_HTTP DestinationRule/demo/shop spec.trafficPolicy.tls.mode'],
  },
  {
    says: "certificates that are not the mesh's (tls mode SIMPLE) come through to applications on a TCP port",
    base: service('{name: tcp, port: 80, targetPort: 8080}'),
    yaml: [tls('SIMPLE')],
    share: EVEN,
  },
  {
    says: 'a workload that is STRICT in a namespace that is DISABLE gets plain text and refuses it',
    yaml: [
      policy('{mtls: {mode: DISABLE}}'),
      policy('{selector: {matchLabels: {version: v2}}, mtls: {mode: STRICT}}', { name: 'v2' }),
    ],
    share: { v1: 0.5 },
    failed: { '503 UC': 0.5 },
    warns: ['PLAIN_TEXT_TO_STRICT PeerAuthentication/demo/v2 spec.mtls.mode'],
  },
  {
    says: 'pods of a headless Service that take plain text alone get mutual TLS when all have sidecars, and fail with UF',
    base: SERVICE.replace('clusterIP: 10.0.0.1', 'clusterIP: None'),
    yaml: [policy('{selector: {matchLabels: {app: shop}}, mtls: {mode: DISABLE}}')],
    failed: { '503 UF': 1 },
  },
  {
    says: 'of a headless Service one pod without a sidecar makes a gateway send plain text to all',
    base: SERVICE.replace('clusterIP: 10.0.0.1', 'clusterIP: None'),
    yaml: [policy(STRICT), AT_GATEWAY],
    pods: [...V1, ...BARE_V2],
    from: { gateway: true },
    share: { v2: 0.5 },
    failed: { '503 UC': 0.5 },
  },
  {
    says: 'where the mesh does not choose mutual TLS by itself, STRICT pods refuse every caller without a rule',
    yaml: [
      policy(STRICT),
      `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "enableAutoMtls: false"}
`,
    ],
    failed: { '503 UC': 1 },
  },
  {
    says: 'what passes a proxy by is plain text, and STRICT pods reset it',
    yaml: [
      policy(STRICT),
      `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: s, namespace: demo}
spec: {egress: [{hosts: ["istio-system/*"]}]}
`,
    ],
    failed: { '000 reset': 1 },
  },
  {
    says: 'the mode of a subset beats the mode of the rule, for the part of it',
    yaml: [
      policy(STRICT),
      tls(
        'DISABLE',
        ', subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}, {name: v2, labels: {version: v2}}]',
      ),
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: demo}
spec: {hosts: [shop], http: [{route: [{destination: {host: shop, subset: v1}, weight: 75}, {destination: {host: shop, subset: v2}, weight: 25}]}]}
`,
    ],
    share: { v1: 0.75 },
    failed: { '503 UC': 0.25 },
  },
];

describe('mutual TLS between a caller and the pods', () => {
  it.each(ROWS.map((row) => [row.says, row] as const))('%s', (_says, row) => {
    const all = [...objects([row.base ?? SERVICE, ...(row.yaml ?? [])].join('---\n')), ...(row.pods ?? [...V1, ...V2])];
    const from = caller(row.from);
    const config = compileProxyConfig(all, from);
    const request = { port: 80, host: 'shop', method: 'GET', path: '/', headers: {} };
    const { share, failed } = predictShare(config, request, ({ version }) => version, receiversOf(all, from));
    expect(share).toEqual(row.share ?? {});
    expect(failed).toEqual(row.failed ?? {});
    const warnings = config.warnings.map(({ code, object, field }) => `${code} ${object} ${field}`);
    if (row.warns) expect(warnings).toEqual(row.warns);
  });
});
