import type { ResourceName } from '../control/store.js';
import type { Schema } from './schema.js';

// Field names of istio.io/api v1.22-1.31 and k8s.io/api v1.34; what hardly anybody writes is left unlooked-into ('any').

const strings: Schema = ['str'];
const labels: Schema = { '*': 'str' };
const metadata: Schema = {
  name: 'str',
  generateName: 'str',
  namespace: 'str',
  selfLink: 'str',
  uid: 'str',
  resourceVersion: 'str',
  generation: 'int',
  creationTimestamp: 'str',
  deletionTimestamp: 'str',
  deletionGracePeriodSeconds: 'int',
  labels,
  annotations: labels,
  ownerReferences: ['any'],
  finalizers: strings,
  managedFields: ['any'],
};
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
  redirect: { uri: 'str', authority: 'str', port: 'int', derivePort: 'str', scheme: 'str', redirectCode: 'int' },
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

const virtualService: Schema = {
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

const destinationRule: Schema = {
  host: 'str',
  trafficPolicy,
  subsets: [{ name: 'str', labels, trafficPolicy }],
  exportTo: strings,
  workloadSelector: 'any',
};

const service: Schema = {
  allocateLoadBalancerNodePorts: 'bool',
  clusterIP: 'str',
  clusterIPs: strings,
  externalIPs: strings,
  externalName: 'str',
  externalTrafficPolicy: 'str',
  healthCheckNodePort: 'int',
  internalTrafficPolicy: 'str',
  ipFamilies: strings,
  ipFamilyPolicy: 'str',
  loadBalancerClass: 'str',
  loadBalancerIP: 'str',
  loadBalancerSourceRanges: strings,
  ports: [{ appProtocol: 'str', name: 'str', nodePort: 'int', port: 'int', protocol: 'str', targetPort: 'int|str' }],
  publishNotReadyAddresses: 'bool',
  selector: labels,
  sessionAffinity: 'str',
  sessionAffinityConfig: 'any',
  trafficDistribution: 'str',
  type: 'str',
};

const env: Schema = [{ name: 'str', value: 'str', valueFrom: 'any' }];

const container: Schema = {
  args: strings,
  command: strings,
  env,
  envFrom: ['any'],
  image: 'str',
  imagePullPolicy: 'str',
  lifecycle: 'any',
  livenessProbe: 'any',
  name: 'str',
  ports: [{ containerPort: 'int', hostIP: 'str', hostPort: 'int', name: 'str', protocol: 'str' }],
  readinessProbe: 'any',
  resizePolicy: ['any'],
  resources: 'any',
  restartPolicy: 'str',
  restartPolicyRules: ['any'],
  securityContext: 'any',
  startupProbe: 'any',
  stdin: 'bool',
  stdinOnce: 'bool',
  terminationMessagePath: 'str',
  terminationMessagePolicy: 'str',
  tty: 'bool',
  volumeDevices: ['any'],
  volumeMounts: ['any'],
  workingDir: 'str',
};

const POD_FIELDS =
  'activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources restartPolicy runtimeClassName schedulerName schedulingGates securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes workloadRef';

const pod: Schema = {
  ...Object.fromEntries(POD_FIELDS.split(' ').map((field) => [field, 'any' as const])),
  containers: [container],
  initContainers: [container],
};

const selector: Schema = { matchLabels: labels, matchExpressions: ['any'] };
const template: Schema = { metadata, spec: pod };

const deployment: Schema = {
  minReadySeconds: 'int',
  paused: 'bool',
  progressDeadlineSeconds: 'int',
  replicas: 'int',
  revisionHistoryLimit: 'int',
  selector,
  strategy: { type: 'str', rollingUpdate: { maxSurge: 'int|str', maxUnavailable: 'int|str' } },
  template,
};

/** Fields whose values are not looked into. */
const named = (fields: string): { readonly [field: string]: Schema } =>
  Object.fromEntries(fields.split(' ').map((field) => [field, 'any' as const]));

const object = (fields: { readonly [field: string]: Schema }): Schema => ({
  apiVersion: 'str',
  kind: 'str',
  metadata,
  ...fields,
});

const spec = (fields: Schema): Schema => object({ spec: fields, status: 'any' });

const quantities: Schema = { '*': 'int|str' };

/** Field names of grafana/k6-operator, api/v1alpha1/testrun_types.go (v1.0 to v1.6). */
const testRunPod: Schema = {
  affinity: 'any',
  automountServiceAccountToken: 'str',
  containerSecurityContext: 'any',
  disabled: 'bool',
  env,
  envFrom: ['any'],
  image: 'str',
  imagePullPolicy: 'str',
  imagePullSecrets: [{ name: 'str' }],
  initContainers: ['any'],
  livenessProbe: 'any',
  metadata: { annotations: labels, labels },
  nodeSelector: labels,
  priorityClassName: 'str',
  readinessProbe: 'any',
  resources: { claims: ['any'], limits: quantities, requests: quantities },
  schedulerName: 'str',
  securityContext: 'any',
  serviceAccountName: 'str',
  tolerations: ['any'],
  topologySpreadConstraints: ['any'],
  volumeMounts: ['any'],
  volumes: ['any'],
};

const testRun: Schema = {
  args: strings,
  arguments: 'str',
  cleanup: 'str',
  cloud: { stream: 'bool', testRunId: 'str', token: 'str' },
  initializer: testRunPod,
  parallelism: 'int',
  paused: 'str',
  ports: ['any'],
  quiet: 'str',
  runner: testRunPod,
  script: {
    configMap: { file: 'str', name: 'str' },
    localFile: 'str',
    volumeClaim: { file: 'str', name: 'str', readOnly: 'bool' },
  },
  scuttle: 'any',
  separate: 'bool',
  starter: testRunPod,
  testRunId: 'str',
  token: 'str',
};

/** What holds for every other kind. */
export const ANY_OBJECT: Schema = { metadata, '*': 'any' };

/** Kinds whose fields are checked; all others are taken as they are. */
export const SCHEMAS: Readonly<Partial<Record<ResourceName, Schema>>> = {
  'virtualservices.networking.istio.io': spec(virtualService),
  'destinationrules.networking.istio.io': spec(destinationRule),
  'deployments.apps': spec(deployment),
  services: spec(service),
  pods: spec(pod),
  'replicasets.apps': spec({ minReadySeconds: 'int', replicas: 'int', selector, template }),
  'statefulsets.apps': spec({
    ...named(
      'minReadySeconds ordinals persistentVolumeClaimRetentionPolicy podManagementPolicy revisionHistoryLimit serviceName updateStrategy volumeClaimTemplates',
    ),
    replicas: 'int',
    selector,
    template,
  }),
  'daemonsets.apps': spec({ ...named('minReadySeconds revisionHistoryLimit updateStrategy'), selector, template }),
  configmaps: object({ data: labels, binaryData: labels, immutable: 'bool' }),
  secrets: object({ data: labels, stringData: labels, immutable: 'bool', type: 'str' }),
  serviceaccounts: object(named('secrets imagePullSecrets automountServiceAccountToken')),
  namespaces: spec({ finalizers: strings }),
  endpoints: object({ subsets: [named('addresses notReadyAddresses ports')] }),
  'endpointslices.discovery.k8s.io': object(named('addressType endpoints ports')),
  'leases.coordination.k8s.io': object({
    spec: {
      holderIdentity: 'str',
      leaseDurationSeconds: 'int',
      acquireTime: 'str',
      renewTime: 'str',
      leaseTransitions: 'int',
      strategy: 'str',
      preferredHolder: 'str',
    },
  }),
  'roles.rbac.authorization.k8s.io': object(named('rules')),
  'clusterroles.rbac.authorization.k8s.io': object(named('rules aggregationRule')),
  'rolebindings.rbac.authorization.k8s.io': object(named('subjects roleRef')),
  'clusterrolebindings.rbac.authorization.k8s.io': object(named('subjects roleRef')),
  'testruns.k6.io': spec(testRun),
};
