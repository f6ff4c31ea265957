import type { Schema } from '../schema.js';
import { env, labels, metadata, strings } from './common.js';

// Field names of k8s.io/api v1.34; what hardly anybody writes is left unlooked-into ('any').

export const service: Schema = {
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

export const pod: Schema = {
  ...Object.fromEntries(POD_FIELDS.split(' ').map((field) => [field, 'any' as const])),
  containers: [container],
  initContainers: [container],
};

export const selector: Schema = { matchLabels: labels, matchExpressions: ['any'] };
export const template: Schema = { metadata, spec: pod };

export const deployment: Schema = {
  minReadySeconds: 'int',
  paused: 'bool',
  progressDeadlineSeconds: 'int',
  replicas: 'int',
  revisionHistoryLimit: 'int',
  selector,
  strategy: { type: 'str', rollingUpdate: { maxSurge: 'int|str', maxUnavailable: 'int|str' } },
  template,
};
