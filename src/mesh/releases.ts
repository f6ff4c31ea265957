import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { literalPattern } from '../base/patterns.js';
import { isGateway } from './gatewayServers.js';
import { isWorkload } from './pods.js';
import { labels, record, records, text } from './read.js';

/** A Service whose pods come in several versions. */
export interface Release {
  readonly namespace: string;
  readonly service: string;
  /** Its first port. */
  readonly port: number;
  /** The pod label that tells the versions apart. */
  readonly label: string;
  /** Two or more label values, in their natural order. */
  readonly versions: readonly string[];
  /** Workloads behind it, whatever their version. */
  readonly workloads: readonly string[];
}

/** A workload that may be the one that calls a service, and what speaks for it. */
export interface CallerChoice {
  readonly workload: string;
  readonly why: string;
}

const VERSION_LABELS = ['version', 'app.kubernetes.io/version'] as const;
const natural = new Intl.Collator('en', { numeric: true });

const templateOf = (workload: KubeObject) => record(workload.spec?.template);
const containersOf = (workload: KubeObject) => records(record(templateOf(workload).spec).containers);
/** Of the pods that a workload makes. */
export const podLabels = (workload: KubeObject) => labels(record(templateOf(workload).metadata).labels);

/** Kinds whose controllers every cluster has. */
const MAKERS = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'CronJob', 'Job', 'Service'];

/** Made by a controller of Kubernetes from another object, such as the ReplicaSet of a Deployment. */
export const isDerived = ({ metadata }: KubeObject): boolean =>
  metadata.ownerReferences?.some(({ controller, kind }) => controller === true && MAKERS.includes(kind)) === true;

export const isOwnWorkload = (object: KubeObject): boolean => isWorkload(object) && !isDerived(object);

/**
 * Every Service with two or more versions behind it. A selector that pins one version counts as if it did not, unless another Service
 * leads to all of them: then the pinned one is a part of its routes.
 */
export function releasesOf(objects: readonly KubeObject[]): Release[] {
  const workloads = objects.filter(isOwnWorkload);
  const found = objects
    .filter(({ kind, apiVersion }) => kind === 'Service' && apiVersion === 'v1')
    .flatMap((service) => {
      const release = releaseOf(service, workloads);
      return release ? [{ release, pinned: pinsVersion(service) }] : [];
    });
  const behind = ({ namespace, workloads: all }: Release) => `${namespace} ${[...all].sort().join(' ')}`;
  const open = new Set(found.filter(({ pinned }) => !pinned).map(({ release }) => behind(release)));
  return found
    .filter(({ release, pinned }) => !pinned || !open.has(behind(release)))
    .map(({ release }) => release)
    .sort((a, b) => natural.compare(`${a.namespace}/${a.service}`, `${b.namespace}/${b.service}`));
}

function releaseOf(service: KubeObject, workloads: readonly KubeObject[]): Release | undefined {
  const port = records(service.spec?.ports)[0]?.port;
  const behind = workloads.filter((workload) => selects(service, workload));
  for (const label of VERSION_LABELS) {
    const values = new Set(behind.flatMap((workload) => podLabels(workload)[label] ?? []));
    if (values.size < 2 || typeof port !== 'number') continue;
    return {
      namespace: namespaceOf(service),
      service: service.metadata.name,
      port,
      label,
      versions: [...values].sort(natural.compare),
      workloads: behind.map(({ metadata }) => metadata.name),
    };
  }
  return undefined;
}

const pinsVersion = (service: KubeObject): boolean =>
  VERSION_LABELS.some((label) => label in labels(service.spec?.selector));

function selects(service: KubeObject, workload: KubeObject): boolean {
  const wanted = Object.entries(labels(service.spec?.selector)).filter(
    ([key]) => !(VERSION_LABELS as readonly string[]).includes(key),
  );
  const own = podLabels(workload);
  return (
    wanted.length > 0 &&
    namespaceOf(service) === namespaceOf(workload) &&
    wanted.every(([key, value]) => own[key] === value)
  );
}

/** The Services that lead to a workload. */
export const servicesOfWorkload = (objects: readonly KubeObject[], workload: KubeObject): KubeObject[] =>
  objects.filter((service) => service.kind === 'Service' && service.apiVersion === 'v1' && selects(service, workload));

/** The Services that lead to workloads of a release; those of one version each are among them. */
export const servicesOfRelease = (objects: readonly KubeObject[], { namespace, workloads }: Release): KubeObject[] =>
  objects
    .filter(
      (object) =>
        isOwnWorkload(object) && namespaceOf(object) === namespace && workloads.includes(object.metadata.name),
    )
    .flatMap((workload) => servicesOfWorkload(objects, workload));

/**
 * Who may call a service, by the strongest evidence that there is: its address in an environment variable or argument, an image that is
 * known to call it, a rule for the caller's labels, a way from a gateway. Several are several choices; without evidence none is given.
 * @param callsOfImage http URLs that an image is known to call.
 */
export function callersOf(
  objects: readonly KubeObject[],
  release: Release,
  callsOfImage: (image: string) => readonly string[] = () => [],
): CallerChoice[] {
  const others = otherWorkloads(objects, release);
  const evidence: readonly [why: string, holds: (workload: KubeObject) => boolean][] = [
    ['its environment or arguments name the service', (workload) => names(workload, release)],
    [
      'its image is known to call the service',
      (workload) =>
        containersOf(workload)
          .flatMap(({ image }) => callsOfImage(text(image) ?? ''))
          .some((url) => new URL(url).hostname === release.service),
    ],
    ['a route of the service is for its labels', (workload) => sourceLabelled(objects, workload, release)],
    ['a gateway or load balancer leads to it', (workload) => isEntrance(objects, workload)],
  ];
  for (const [why, holds] of evidence) {
    const found = others.filter(holds);
    if (found.length > 0) return found.map(({ metadata }) => ({ workload: metadata.name, why }));
  }
  return [];
}

/** Workloads of the namespace that are not behind the service, and no gateways. */
export const otherWorkloads = (objects: readonly KubeObject[], { namespace, workloads }: Release): KubeObject[] =>
  objects.filter(
    (object) =>
      isOwnWorkload(object) &&
      namespaceOf(object) === namespace &&
      !workloads.includes(object.metadata.name) &&
      !isGateway(objects, podLabels(object)),
  );

function names(workload: KubeObject, { service }: Release): boolean {
  const host = new RegExp(`(^|[/@=,\\s])${literalPattern(service)}([.:/,\\s]|$)`);
  return containersOf(workload).some((container) =>
    [
      ...records(container.env).map(({ value }) => value),
      ...[container.args, container.command].flatMap((list) => (Array.isArray(list) ? list : [])),
    ].some((value) => typeof value === 'string' && host.test(value)),
  );
}

function sourceLabelled(objects: readonly KubeObject[], workload: KubeObject, { service }: Release): boolean {
  const own = podLabels(workload);
  return objects
    .filter(({ kind, spec }) => kind === 'VirtualService' && hostsOf(spec).includes(service))
    .flatMap(({ spec }) => records(spec?.http))
    .flatMap((rule) => records(rule.match))
    .map((match) => Object.entries(labels(match.sourceLabels)))
    .some((wanted) => wanted.length > 0 && wanted.every(([key, value]) => own[key] === value));
}

/** The first parts of the hosts. */
const hostsOf = (spec: KubeObject['spec']): string[] =>
  (Array.isArray(spec?.hosts) ? spec.hosts : []).map((host) => String(host).split('.')[0] ?? '');

function isEntrance(objects: readonly KubeObject[], workload: KubeObject): boolean {
  const targets = gatewayTargets(objects);
  return servicesOfWorkload(objects, workload).some(
    ({ metadata, spec }) => spec?.type === 'LoadBalancer' || spec?.type === 'NodePort' || targets.has(metadata.name),
  );
}

/** Names of the Services that routes of gateways lead to. */
export function gatewayTargets(objects: readonly KubeObject[]): Set<string> {
  const fromGateways = objects.filter(
    ({ kind, spec }) =>
      (kind === 'VirtualService' && Array.isArray(spec?.gateways) && spec.gateways.some((name) => name !== 'mesh')) ||
      (kind === 'HTTPRoute' && records(spec?.parentRefs).some(({ kind: parent = 'Gateway' }) => parent === 'Gateway')),
  );
  const targets = fromGateways.flatMap(({ spec }) => [
    ...records(spec?.http).flatMap((rule) => records(rule.route).map(({ destination }) => record(destination).host)),
    ...records(spec?.rules).flatMap((rule) => records(rule.backendRefs).map(({ name }) => name)),
  ]);
  return new Set(targets.flatMap((target) => text(target)?.split('.')[0] ?? []));
}
