import type { Schema } from '../schema.js';
import { labels, strings } from './common.js';

// Field names of istio.io/api v1.22-1.31; what hardly anybody writes is left unlooked-into ('any').

const percent: Schema = { value: 'num' };
const port: Schema = { number: 'int', name: 'str' };
const destination: Schema = { host: 'str', subset: 'str', port };
const stringMatch: Schema = { exact: 'str', prefix: 'str', regex: 'str' };
const headerChange: Schema = { set: labels, add: labels, remove: strings };
const headers: Schema = { request: headerChange, response: headerChange };
const l4Match = {
  destinationSubnets: strings,
  port: 'int',
  sourceLabels: labels,
  gateways: strings,
  sourceNamespace: 'str',
} as const;

const httpMatch: Schema = {
  name: 'str',
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: { '*': stringMatch },
  port: 'int',
  sourceLabels: labels,
  gateways: strings,
  queryParams: { '*': stringMatch },
  ignoreUriCase: 'bool',
  withoutHeaders: { '*': stringMatch },
  sourceNamespace: 'str',
  statPrefix: 'str',
};

const fault: Schema = {
  delay: { percent: 'int', fixedDelay: 'str', exponentialDelay: 'str', percentage: percent },
  abort: { httpStatus: 'int', grpcStatus: 'str', http2Error: 'str', percentage: percent },
};

const httpRoute: Schema = {
  name: 'str',
  match: [httpMatch],
  route: [{ destination, weight: 'int', headers }],
  redirect: {
    uri: 'str',
    authority: 'str',
    port: 'int',
    derivePort: 'str',
    scheme: 'str',
    redirectCode: 'int',
    prefixRewrite: 'str',
  },
  directResponse: { status: 'int', body: { string: 'str', bytes: 'str' } },
  delegate: { name: 'str', namespace: 'str' },
  rewrite: { uri: 'str', authority: 'str', uriRegexRewrite: { match: 'str', rewrite: 'str' } },
  timeout: 'str',
  retries: {
    attempts: 'int',
    perTryTimeout: 'str',
    retryOn: 'str',
    retryRemoteLocalities: 'bool',
    retryIgnorePreviousHosts: 'bool',
    backoff: 'str',
  },
  fault,
  mirror: destination,
  mirrors: [{ destination, percentage: percent }],
  mirrorPercent: 'int',
  mirror_percent: 'int',
  mirrorPercentage: percent,
  corsPolicy: 'any',
  headers,
};

const l4Route: Schema = [{ destination, weight: 'int' }];

export const virtualService: Schema = {
  hosts: strings,
  gateways: strings,
  exportTo: strings,
  http: [httpRoute],
  tls: [{ match: [{ sniHosts: strings, ...l4Match }], route: l4Route }],
  tcp: [{ match: [{ sourceSubnet: 'str', ...l4Match }], route: l4Route }],
};

const policy = {
  loadBalancer: {
    simple: 'str',
    consistentHash: {
      httpHeaderName: 'str',
      httpCookie: { name: 'str', path: 'str', ttl: 'str', attributes: 'any' },
      useSourceIp: 'bool',
      httpQueryParameterName: 'str',
      ringHash: { minimumRingSize: 'int' },
      maglev: { tableSize: 'int' },
      minimumRingSize: 'int',
    },
    localityLbSetting: 'any',
    zoneAwareLbSetting: 'any',
    warmupDurationSecs: 'str',
    warmup: 'any',
  },
  connectionPool: {
    tcp: {
      maxConnections: 'int',
      connectTimeout: 'str',
      tcpKeepalive: 'any',
      maxConnectionDuration: 'str',
      idleTimeout: 'str',
    },
    http: {
      http1MaxPendingRequests: 'int',
      http2MaxRequests: 'int',
      maxRequestsPerConnection: 'int',
      maxRetries: 'int',
      idleTimeout: 'str',
      h2UpgradePolicy: 'str',
      useClientProtocol: 'bool',
      maxConcurrentStreams: 'int',
      http2KeepAlive: 'any',
    },
  },
  outlierDetection: {
    consecutiveErrors: 'int',
    splitExternalLocalOriginErrors: 'bool',
    consecutiveLocalOriginFailures: 'int',
    consecutiveGatewayErrors: 'int',
    consecutive5xxErrors: 'int',
    interval: 'str',
    baseEjectionTime: 'str',
    maxEjectionPercent: 'int',
    minHealthPercent: 'int',
    outlierDetectionHttpErrorCodes: 'any',
  },
  tls: {
    mode: 'str',
    clientCertificate: 'str',
    privateKey: 'str',
    caCertificates: 'str',
    credentialName: 'str',
    subjectAltNames: strings,
    sni: 'str',
    insecureSkipVerify: 'bool',
    caCrl: 'str',
  },
} as const satisfies Schema;

const trafficPolicy: Schema = {
  ...policy,
  portLevelSettings: [{ port, ...policy }],
  tunnel: 'any',
  proxyProtocol: 'any',
  retryBudget: 'any',
};

export const destinationRule: Schema = {
  host: 'str',
  trafficPolicy,
  subsets: [{ name: 'str', labels, trafficPolicy }],
  exportTo: strings,
  workloadSelector: 'any',
};
