import type { Schema } from '../schema.js';
import { env, labels, strings } from './common.js';

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

export const testRun: Schema = {
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
