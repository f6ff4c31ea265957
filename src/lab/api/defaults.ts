import type { KubeObject } from '../../base/kubernetes.js';
import type { ResourceKind } from '../control/resources.js';
import { type Dict, isDict } from './lists.js';

/** An address of the service range of 10.96.0.0/16 that is stable for a name and not yet taken. */
function clusterIp(object: KubeObject, taken: ReadonlySet<string>): string {
  let hash = 0;
  for (const c of `${object.metadata.namespace}/${object.metadata.name}`) hash = (hash * 31 + c.charCodeAt(0)) >>> 0;
  for (let i = 0; i < 65_000; i++) {
    const at = 2 + ((hash + i) % 65_000);
    const ip = `10.96.${at >> 8}.${at & 255}`;
    if (!taken.has(ip)) return ip;
  }
  return 'None';
}

function serviceSpec(object: KubeObject, taken: ReadonlySet<string>): Dict {
  const spec: Dict = { ...object.spec };
  spec.type ??= 'ClusterIP';
  spec.sessionAffinity ??= 'None';
  if (Array.isArray(spec.ports)) {
    spec.ports = spec.ports.map((port: unknown) =>
      isDict(port) ? { ...port, protocol: port.protocol ?? 'TCP', targetPort: port.targetPort ?? port.port } : port,
    );
  }
  if (spec.type === 'ExternalName') return spec;
  spec.clusterIP = typeof spec.clusterIP === 'string' && spec.clusterIP ? spec.clusterIP : clusterIp(object, taken);
  spec.clusterIPs ??= [spec.clusterIP];
  spec.internalTrafficPolicy ??= 'Cluster';
  spec.ipFamilies ??= ['IPv4'];
  spec.ipFamilyPolicy ??= 'SingleStack';
  return spec;
}

/** `Always` for images without a tag or with `latest`. */
const pullPolicy = (image: unknown): string => {
  const tag = /:([^:/@]+)$/.exec(String(image ?? ''))?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
};

function container(given: unknown): unknown {
  if (!isDict(given)) return given;
  const ports = Array.isArray(given.ports)
    ? { ports: given.ports.map((port: unknown) => (isDict(port) ? { protocol: 'TCP', ...port } : port)) }
    : {};
  return {
    imagePullPolicy: pullPolicy(given.image),
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    ...given,
    ...ports,
  };
}

function podSpec(given: unknown): unknown {
  if (!isDict(given)) return given;
  const containers = (list: unknown): unknown => (Array.isArray(list) ? list.map(container) : list);
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    securityContext: {},
    ...given,
    containers: containers(given.containers),
    ...(given.initContainers ? { initContainers: containers(given.initContainers) } : {}),
  };
}

/** Typed clients send `creationTimestamp: null`; a template that differs only by that would be another revision. */
function podTemplate(template: Dict): Dict {
  const metadata = isDict(template.metadata)
    ? Object.fromEntries(Object.entries(template.metadata).filter(([, value]) => value !== null))
    : {};
  return { ...template, metadata, spec: podSpec(template.spec) };
}

function deploymentSpec(given: Dict): Dict {
  const strategy = isDict(given.strategy) ? given.strategy : {};
  const type = strategy.type ?? 'RollingUpdate';
  const rolling = isDict(strategy.rollingUpdate) ? strategy.rollingUpdate : {};
  return {
    progressDeadlineSeconds: 600,
    revisionHistoryLimit: 10,
    ...given,
    strategy:
      type === 'RollingUpdate'
        ? { ...strategy, type, rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%', ...rolling } }
        : { ...strategy, type },
  };
}

function workloadSpec(entry: ResourceKind, given: Dict): Dict {
  const template = isDict(given.template) ? podTemplate(given.template) : given.template;
  const spec: Dict = { ...given, ...(given.template === undefined ? {} : { template }) };
  if (entry.scale) spec.replicas ??= 1;
  return entry.kind === 'Deployment' ? deploymentSpec(spec) : spec;
}

function secretData(object: KubeObject): KubeObject {
  const { stringData, ...rest } = object;
  if (!isDict(stringData)) return { type: 'Opaque', ...object };
  const added = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')]);
  return { type: 'Opaque', ...rest, data: { ...(isDict(rest.data) ? rest.data : {}), ...Object.fromEntries(added) } };
}

/**
 * Fills in what the API server fills in on write, as far as something reads it: replicas, strategy, protocols, target ports,
 * cluster addresses, a Namespace's name label.
 * @param takenIps cluster addresses that other Services hold.
 */
export function withDefaults(entry: ResourceKind, object: KubeObject, takenIps: () => ReadonlySet<string>): KubeObject {
  if (entry.group === 'apps' && isDict(object.spec)) return { ...object, spec: workloadSpec(entry, object.spec) };
  if (entry.group !== '') return object;
  switch (entry.kind) {
    case 'Service':
      return { ...object, spec: serviceSpec(object, takenIps()) };
    case 'Pod':
      return { ...object, spec: podSpec(object.spec) as Dict };
    case 'Secret':
      return secretData(object);
    case 'Namespace': {
      const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
      return {
        ...object,
        metadata: { ...object.metadata, labels },
        spec: { finalizers: ['kubernetes'], ...object.spec },
      };
    }
    default:
      return object;
  }
}
