import { virtualService } from '../../support/mesh.js';
import { type Case, EVEN, NINETY_TEN, type Table, vs90 } from '../../support/meshCases.js';

const DEFAULT = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';
const TWO_RETRIES = { retries: 2, retryOn: DEFAULT, timeoutMs: 0, perTryMs: 0 };
const NO_RETRIES = { retries: 0, retryOn: '' };
const NO_DELAY = { delayed: [0, 0] } as const;
const meshConfig = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "defaultHttpRetryPolicy: {attempts: 0}"}
`;
const withMore = (more: string): string => virtualService(`[{route: [{destination: {host: shop}}], ${more}}]`);
const rejected = (more: string, says: string): Case => ({
  says,
  yaml: withMore(more),
  share: EVEN,
  policy: TWO_RETRIES,
  warns: ['OBJECT_REFUSED'],
});

export const retries: Table = {
  title: 'Retries',
  cases: [
    {
      says: 'default on every route, with VS: numRetries 2, 503 not retried, no timeout',
      yaml: vs90,
      share: NINETY_TEN,
      policy: TWO_RETRIES,
    },
    {
      says: 'default on every route, without VS: numRetries 2, 503 not retried, no timeout',
      share: EVEN,
      policy: TWO_RETRIES,
    },
    {
      says: 'attempts: 3: that retryOn, 3',
      yaml: withMore('retries: {attempts: 3}'),
      share: EVEN,
      policy: { retries: 3, retryOn: DEFAULT },
    },
    { says: 'attempts: 0: none', yaml: withMore('retries: {attempts: 0}'), share: EVEN, policy: NO_RETRIES },
    { says: 'retries: {}: none', yaml: withMore('retries: {}'), share: EVEN, policy: NO_RETRIES },
    {
      says: 'retryOn: "5xx,503" -> 5xx,retriable-status-codes + [503]',
      yaml: withMore('retries: {attempts: 1, retryOn: "5xx,503"}'),
      share: EVEN,
      policy: { retries: 1, retryOn: '5xx,retriable-status-codes,503' },
    },
    rejected('retries: {attempts: 0, retryOn: 5xx}', 'attempts 0 with retryOn: webhook rejects'),
    rejected('retries: {attempts: 1, retryOn: sometimes}', 'retryOn with an unknown word: webhook rejects'),
    {
      says: 'mesh defaultHttpRetryPolicy {attempts: 0} works, with VS',
      yaml: [meshConfig, vs90].join('---'),
      share: NINETY_TEN,
      policy: NO_RETRIES,
    },
    {
      says: 'mesh defaultHttpRetryPolicy {attempts: 0} works, without VS',
      yaml: meshConfig,
      share: EVEN,
      policy: NO_RETRIES,
    },
  ],
};

export const timeouts: Table = {
  title: 'Timeouts',
  cases: [
    rejected('timeout: 0s', 'timeout: 0s: rejected'),
    rejected('timeout: 0.5ms', 'timeout < 1 ms: rejected'),
    ...(
      [
        ['3s', 3000],
        ['1m30s', 90_000],
        ['0.25s', 250],
        ['1ms', 1],
      ] as const
    ).map(
      ([written, timeoutMs]): Case => ({
        says: `timeout: ${written}: ${timeoutMs} ms`,
        yaml: withMore(`timeout: ${written}`),
        share: EVEN,
        policy: { timeoutMs },
      }),
    ),
    {
      says: 'perTryTimeout > timeout: accepted',
      yaml: withMore('timeout: 1s, retries: {attempts: 1, perTryTimeout: 2s}'),
      share: EVEN,
      policy: { timeoutMs: 1000, perTryMs: 2000 },
    },
  ],
};

const fault = (fields: string, over: Partial<Case>): Case => ({
  says: '',
  yaml: withMore(`fault: {${fields}}`),
  share: EVEN,
  policy: NO_DELAY,
  ...over,
});

export const faults: Table = {
  title: 'Faults',
  cases: [
    fault('abort: {httpStatus: 500}', { says: 'abort without percentage: none', warns: ['FAULT_WITHOUT_EFFECT'] }),
    fault('delay: {fixedDelay: 2s}', { says: 'delay without percentage: none', warns: ['FAULT_WITHOUT_EFFECT'] }),
    fault('abort: {httpStatus: 500, percentage: {value: 0}}', {
      says: 'abort with percentage 0: none',
      warns: ['FAULT_WITHOUT_EFFECT'],
    }),
    fault('delay: {fixedDelay: 2s, percentage: {value: 0}}', {
      says: 'delay with percentage 0: none',
      warns: ['FAULT_WITHOUT_EFFECT'],
    }),
    fault('abort: {percentage: {value: 50}}', {
      says: 'abort without status: accepted, none',
      warns: ['FAULT_WITHOUT_EFFECT'],
    }),
    fault('abort: {grpcStatus: UNAVAILABLE, percentage: {value: 50}}', {
      says: 'grpcStatus -> HTTP 200',
      share: { v1: 0.25, v2: 0.25 },
      failed: { '200 FI': 0.5 },
    }),
    rejected('fault: {}', 'fault: {}: rejected'),
    fault('delay: {percent: 30, fixedDelay: 2s}', {
      says: 'int delay.percent works',
      policy: { delayed: [0.3, 2000] },
    }),
    fault('abort: {httpStatus: 600, percentage: {value: 1}}', {
      says: 'httpStatus: 600 passes schema and webhook, Envoy refuses it',
      share: { v1: 0.495, v2: 0.495 },
      failed: { '600 FI': 0.01 },
      warns: ['PROXY_REFUSES'],
    }),
    fault('delay: {percentage: {value: 10}, fixedDelay: 5ms}, abort: {httpStatus: 418, percentage: {value: 0.1}}', {
      says: 'delay and abort beside each other: both',
      share: { v1: 0.4995, v2: 0.4995 },
      failed: { '418 FI': 0.001 },
      policy: { delayed: [0.1, 5] },
    }),
    {
      says: 'a redirect beside a route: rejected',
      yaml: withMore('redirect: {uri: /x}'),
      share: EVEN,
      warns: ['OBJECT_REFUSED'],
    },
  ],
};
