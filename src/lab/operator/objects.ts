import type { KubeObject } from '../../base/kubernetes.js';
import { ownerReference } from '../control/objects.js';
import { segmentFlags } from './segments.js';

/** The port of k6's REST API in every runner. */
export const K6_PORT = 6565;

interface PodPart {
  readonly image?: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly volumes?: readonly unknown[];
  readonly volumeMounts?: readonly unknown[];
  readonly [field: string]: unknown;
}

/** What the operator reads of a TestRun; the API server has checked the types. */
export interface TestRunSpec {
  readonly parallelism: number;
  readonly script: { readonly configMap?: { readonly name: string; readonly file?: string } };
  readonly args?: readonly string[];
  readonly arguments?: string;
  readonly quiet?: string;
  readonly paused?: string;
  readonly separate?: boolean;
  readonly cleanup?: string;
  readonly ports?: readonly unknown[];
  readonly initializer?: PodPart & { readonly disabled?: boolean };
  readonly starter?: PodPart;
  readonly runner?: PodPart;
}

export const specOf = (testRun: KubeObject): TestRunSpec => testRun.spec as unknown as TestRunSpec;

const labelsOf = (testRun: KubeObject) => ({ app: 'k6', k6_cr: testRun.metadata.name });

/** `args` wins over `arguments`, which is split at white space. */
const argumentsOf = ({ args, arguments: line = '' }: TestRunSpec): string[] =>
  args ? [...args] : line.split(/\s+/).filter((word) => word !== '');

const scriptPath = ({ script }: TestRunSpec): string => `/test/${script.configMap?.file ?? 'test.js'}`;

function owned(testRun: KubeObject, kind: string, apiVersion: string, name: string, part: PodPart, labels: object) {
  const { namespace } = testRun.metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      // The operator's own labels win over those of the TestRun.
      labels: { ...part.metadata?.labels, ...labelsOf(testRun), ...labels },
      annotations: { ...part.metadata?.annotations },
      ownerReferences: [ownerReference(testRun)],
    },
  };
}

const POD_FIELDS = [
  'affinity',
  'imagePullSecrets',
  'nodeSelector',
  'tolerations',
  'topologySpreadConstraints',
  'securityContext',
  'initContainers',
  'priorityClassName',
  'schedulerName',
  'serviceAccountName',
] as const;

function job(
  testRun: KubeObject,
  suffix: string,
  part: PodPart,
  labels: Record<string, string>,
  container: Record<string, unknown>,
  pod: Record<string, unknown> = {},
): KubeObject {
  const base = owned(testRun, 'Job', 'batch/v1', `${testRun.metadata.name}-${suffix}`, part, labels);
  const { labels: podLabels, annotations } = base.metadata;
  const fields = Object.fromEntries(POD_FIELDS.flatMap((key) => (part[key] === undefined ? [] : [[key, part[key]]])));
  return {
    ...base,
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels: podLabels, annotations },
        spec: {
          restartPolicy: 'Never',
          ...fields,
          ...pod,
          containers: [
            {
              ...(part.imagePullPolicy ? { imagePullPolicy: part.imagePullPolicy } : {}),
              ...(part.resources ? { resources: part.resources } : {}),
              ...(part.envFrom ? { envFrom: part.envFrom } : {}),
              env: part.env ?? [],
              ...container,
            },
          ],
        },
      },
    },
  };
}

function scriptVolume({ script }: TestRunSpec, part: PodPart) {
  return {
    volumes: [{ name: 'k6-test-volume', configMap: { name: script.configMap?.name } }, ...(part.volumes ?? [])],
    volumeMounts: [{ name: 'k6-test-volume', mountPath: '/test' }, ...(part.volumeMounts ?? [])],
  };
}

/** Checks the script and tells how many VUs it needs; without a section of its own it is a copy of the runner's. */
export function initializerJob(testRun: KubeObject): KubeObject {
  const spec = specOf(testRun);
  const part = spec.initializer ?? spec.runner ?? {};
  const { volumes, volumeMounts } = scriptVolume(spec, part);
  const environment = (part.env ?? []).flatMap(({ name, value = '' }) => ['-e', `${name}=${value}`]);
  const container = {
    name: 'k6',
    image: part.image ?? 'grafana/k6:latest',
    // The operator's own makes an archive first; what it asks of it is this.
    command: ['k6', 'inspect', '--execution-requirements', ...environment, scriptPath(spec)],
    ports: [{ containerPort: K6_PORT }],
    volumeMounts,
  };
  return job(testRun, 'initializer', part, {}, container, { volumes });
}

/** @param index from 1 */
export function runnerJob(testRun: KubeObject, index: number): KubeObject {
  const spec = specOf(testRun);
  const part = spec.runner ?? {};
  const { volumes, volumeMounts } = scriptVolume(spec, part);
  const { name } = testRun.metadata;
  const probe = { httpGet: { path: '/v1/status', port: K6_PORT, scheme: 'HTTP' } };
  const container = {
    name: 'k6',
    image: part.image ?? 'grafana/k6:latest',
    command: [
      'k6',
      'run',
      ...(spec.quiet === 'false' ? [] : ['--quiet']),
      ...segmentFlags(index, spec.parallelism),
      ...argumentsOf(spec),
      scriptPath(spec),
      `--address=0.0.0.0:${K6_PORT}`,
      ...(spec.paused === 'false' ? [] : ['--paused']),
      ...['--tag', `instance_id=${index}`, '--tag', `testrun_name=${name}`],
    ],
    ports: [{ containerPort: K6_PORT }, ...(spec.ports ?? [])],
    volumeMounts,
    livenessProbe: part.livenessProbe ?? probe,
    readinessProbe: part.readinessProbe ?? probe,
  };
  const apart = spec.separate ? { affinity: ONE_PER_NODE } : {};
  return job(testRun, String(index), part, { runner: 'true' }, container, {
    hostname: `${name}-${index}`,
    volumes,
    ...apart,
  });
}

const ONE_PER_NODE = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      {
        labelSelector: {
          matchExpressions: [
            { key: 'app', operator: 'In', values: ['k6'] },
            { key: 'runner', operator: 'In', values: ['true'] },
          ],
        },
        topologyKey: 'kubernetes.io/hostname',
      },
    ],
  },
};

export function runnerService(testRun: KubeObject, index: number): KubeObject {
  const { name } = testRun.metadata;
  const part = specOf(testRun).runner ?? {};
  return {
    ...owned(testRun, 'Service', 'v1', `${name}-service-${index}`, part, { runner: 'true' }),
    spec: {
      selector: { 'job-name': `${name}-${index}` },
      ports: [{ name: 'http-api', port: K6_PORT, targetPort: K6_PORT, protocol: 'TCP' }],
    },
  };
}

export const STARTER_CONTAINER = 'k6-curl';

/** Lets all runners go at once. */
export function starterJob(testRun: KubeObject): KubeObject {
  const { parallelism, starter = {} } = specOf(testRun);
  const { name, namespace } = testRun.metadata;
  const body = '{"data":{"attributes":{"paused":false,"stopped":false},"id":"default","type":"status"}}';
  const calls = Array.from(
    { length: parallelism },
    (_, i) =>
      `curl --retry 3 -X PATCH -H 'Content-Type: application/json' http://${name}-service-${i + 1}.${namespace}.svc.cluster.local:${K6_PORT}/v1/status -d '${body}'`,
  );
  return job(
    testRun,
    'starter',
    starter,
    {},
    {
      name: STARTER_CONTAINER,
      image: starter.image ?? 'ghcr.io/grafana/k6-operator:latest-starter',
      command: ['sh', '-c', calls.join(';')],
    },
  );
}
