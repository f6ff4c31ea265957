import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deployment, document, folder } from '../support/explain.js';
import { SERVICE, SUBSETS, split, virtualService } from '../support/mesh.js';

const policy = (spec: string, over: { name?: string; namespace?: string } = {}) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${over.name ?? 'p'}, namespace: ${over.namespace ?? 'demo'}}
spec: ${spec}
`;
const V2 = 'selector: {matchLabels: {version: v2}}';
const FROM = (source: string) => `rules: [{from: [{source: ${source}}]}]`;
const TO = (operation: string) => `rules: [{to: [{operation: ${operation}}]}]`;
const DENIES = 'AUTHORIZATION_DENIES';
const MAY = 'AUTHORIZATION_MAY_DENY';
const OWN = 'cluster.local/ns/demo/sa/default';

interface Row {
  readonly says: string;
  readonly policy: string;
  /** More options of the command line. */
  readonly ask?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly share?: Record<string, number>;
  readonly failed?: Record<string, number>;
  /** `code field` of what is said of policies. */
  readonly warns?: readonly string[];
}

const EVERYTHING = { v1: 0.9, v2: 0.1 };
const ROWS: readonly Row[] = [
  {
    says: 'a rule that denies the caller answers 403, and names the rule',
    policy: policy(`{action: DENY, ${FROM(`{principals: [${OWN}]}`)}}`),
    failed: { '403 -': 1 },
    warns: [`${DENIES} spec.rules[0]`],
  },
  {
    says: 'a policy for the pods of one version denies its share',
    policy: policy(`{action: DENY, ${V2}, rules: [{}]}`),
    share: { v1: 0.9 },
    failed: { '403 -': 0.1 },
    warns: [`${DENIES} spec.rules[0]`],
  },
  {
    says: 'a rule that allows the namespace lets the caller through',
    policy: policy(`{${FROM('{namespaces: [demo]}')}}`),
    share: EVERYTHING,
    warns: [],
  },
  {
    says: 'where no rule that allows matches everything is denied',
    policy: policy(`{${FROM('{namespaces: [ops]}')}}`),
    failed: { '403 -': 1 },
    warns: [`${DENIES} spec.rules`],
  },
  {
    says: 'a policy of the root namespace governs the pods too',
    policy: policy(`{${FROM('{namespaces: [ops]}')}}`, { namespace: 'istio-system' }),
    failed: { '403 -': 1 },
  },
  {
    says: 'a policy of another namespace does not',
    policy: policy(`{${FROM('{namespaces: [none]}')}}`, { namespace: 'ops' }),
    share: EVERYTHING,
    warns: [],
  },
  {
    says: 'the method decides',
    policy: policy(`{${TO('{methods: [GET]}')}}`),
    ask: ['--method', 'POST'],
    failed: { '403 -': 1 },
  },
  {
    says: 'the path decides, its query left aside',
    policy: policy(`{${TO('{paths: ["/api/*"]}')}}`),
    ask: ['--path', '/api/x?y=1'],
    share: EVERYTHING,
  },
  {
    says: 'the path is the one that a rewrite leaves',
    policy: policy(`{${TO('{paths: ["/new/*"]}')}}`),
    files: {
      'm/mesh.yaml': [
        SUBSETS,
        virtualService(
          `[{match: [{uri: {prefix: /old}}], rewrite: {uri: /new}, route: [{destination: {host: shop, subset: v1}}]}]`,
        ),
      ].join('---'),
    },
    ask: ['--path', '/old/x'],
    share: { v1: 1 },
  },
  {
    says: 'the port is the port of the pods',
    policy: policy(`{${TO('{ports: ["80"]}')}}`),
    failed: { '403 -': 1 },
  },
  {
    says: 'without mutual TLS the caller is nobody',
    policy: policy(`{${FROM('{namespaces: [demo]}')}}`),
    files: { 'm/tls.yaml': SUBSETS.replace('host: shop', 'host: shop\n  trafficPolicy: {tls: {mode: DISABLE}}') },
    failed: { '403 -': 1 },
  },
  {
    says: 'the service account of the caller counts',
    policy: policy(`{${FROM('{principals: [cluster.local/ns/demo/sa/front]}')}}`),
    files: {
      'm/client.yaml': deployment('client', '').replace(
        'spec: {containers',
        'spec: {serviceAccountName: front, containers',
      ),
    },
    share: EVERYTHING,
    warns: [],
  },
  {
    says: 'of a caller that no file defines a principal is not known: it may be denied',
    policy: policy(`{${FROM('{principals: [cluster.local/ns/demo/sa/front]}')}}`),
    ask: ['--from', 'stranger.demo'],
    share: EVERYTHING,
    warns: [`${MAY} spec.rules[0]`],
  },
  {
    says: 'of such a caller the namespace is known',
    policy: policy(`{${FROM('{namespaces: [ops]}')}}`),
    ask: ['--from', 'stranger.demo'],
    failed: { '403 -': 1 },
  },
  {
    says: 'a policy with a condition on headers may deny, and its field is named',
    policy: policy('{action: DENY, rules: [{when: [{key: "request.headers[x]", values: [a]}]}]}'),
    share: EVERYTHING,
    warns: [`${MAY} spec.rules[0].when[0]`],
  },
  {
    says: 'pods that refuse a sidecar ask nobody',
    policy: policy('{action: DENY, rules: [{}]}'),
    files: {
      'm/v2.yaml': deployment('shop-v2', 'v2', ', annotations: {sidecar.istio.io/inject: "false"}'),
    },
    share: { v2: 0.1 },
    failed: { '403 -': 0.9 },
  },
  {
    says: 'on a TCP port a rule that allows methods allows no connection',
    policy: policy(`{${TO('{methods: [GET]}')}}`),
    files: { 'm/service.yaml': SERVICE.replace('name: http', 'name: tcp') },
    failed: { '000 reset': 1 },
  },
  {
    says: 'on a TCP port a rule that denies methods denies every connection',
    policy: policy(`{action: DENY, ${TO('{methods: [POST]}')}}`),
    files: { 'm/service.yaml': SERVICE.replace('name: http', 'name: tcp') },
    failed: { '000 reset': 1 },
  },
];

describe('what AuthorizationPolicies make of the described request', () => {
  it.each(ROWS.map((row) => [row.says, row] as const))('%s', async (_says, row) => {
    const dir = folder({
      'm/service.yaml': SERVICE,
      'm/mesh.yaml': [SUBSETS, virtualService(split(90, 10))].join('---'),
      'm/client.yaml': deployment('client', ''),
      'm/v1.yaml': deployment('shop-v1', 'v1'),
      'm/v2.yaml': deployment('shop-v2', 'v2'),
      'm/policy.yaml': row.policy,
      ...row.files,
    });
    const asked = row.ask ?? [];
    const from = asked.includes('--from') ? [] : ['--from', 'client.demo'];
    const { share, failed, warnings } = await document(dir, '-f', 'm', ...from, '--to', 'shop:80', ...asked);
    expect({ share, failed }).toEqual({ share: row.share ?? {}, failed: row.failed ?? {} });
    const told = warnings.filter(({ code }) => code.startsWith('AUTHORIZATION_'));
    if (row.warns) expect(told.map(({ code, field }) => `${code} ${field}`)).toEqual(row.warns);
    for (const warning of told) expect(warning).toMatchObject({ file: join('m', 'policy.yaml') });
  });
});
