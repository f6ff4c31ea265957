import { apiGroup, expandHost, type KubeObject, labelsMatch } from '../base/kubernetes.js';
import { virtualServiceRefusals } from './admission.js';
import { byAge } from './age.js';
import { type Attachments, attachmentsOf } from './gatewayApi.js';
import { type Pod, podsOf } from './pods.js';
import { number, record, records, text, texts } from './read.js';
import { type Service, type ServicePort, serviceOf } from './services.js';
import { type MeshSettings, meshSettings } from './settings.js';
import type { Endpoint, MeshObjects, MeshWarning } from './types.js';

/** The objects of one moment, indexed once for all proxies that are compiled from them. */
export interface Inventory {
  readonly services: ReadonlyMap<string, Service>;
  readonly virtualServices: readonly KubeObject[];
  /** By namespace. */
  readonly destinationRules: ReadonlyMap<string, RuleIndex>;
  readonly gateways: readonly KubeObject[];
  readonly sidecars: readonly KubeObject[];
  readonly attachments: Attachments;
  readonly settings: MeshSettings;
  /** Hosts of ServiceEntries. */
  readonly externalHosts: ReadonlySet<string>;
  /** Objects that the API server or Istio's webhook would not have stored; they are not compiled. */
  readonly refused: readonly MeshWarning[];
  /** Pods of the Service that carry the subset's labels too, unready ones included. */
  endpoints(service: Service, port: ServicePort, subset: Readonly<Record<string, string>>): readonly Endpoint[];
}

const inventories = new WeakMap<MeshObjects, Inventory>();

/** Memoised by the array itself: a changed cluster is a new array. */
export function inventoryOf(objects: MeshObjects): Inventory {
  let inventory = inventories.get(objects);
  if (!inventory) {
    inventory = takeInventory(objects);
    inventories.set(objects, inventory);
  }
  return inventory;
}

/** DestinationRules of one namespace. */
export interface RuleIndex {
  /** Host without wildcard -> its rules, oldest first. */
  readonly exact: ReadonlyMap<string, readonly KubeObject[]>;
  /** The longest host first, for one host the oldest first. */
  readonly wildcards: readonly KubeObject[];
}

function indexRules(rules: readonly KubeObject[]): RuleIndex {
  const exact = new Map<string, KubeObject[]>();
  const wildcards: KubeObject[] = [];
  for (const rule of [...rules].sort(byAge)) {
    const host = ruleHost(rule);
    if (host.includes('*')) wildcards.push(rule);
    else push(exact, host, rule);
  }
  wildcards.sort((a, b) => ruleHost(b).length - ruleHost(a).length);
  return { exact, wildcards };
}

/** The host of a DestinationRule, a short name expanded by its namespace. */
export const ruleHost = (rule: KubeObject): string =>
  expandHost(text(rule.spec?.host) ?? '', rule.metadata.namespace ?? 'default');

const istio = (object: KubeObject): boolean => apiGroup(object.apiVersion) === 'networking.istio.io';

function takeInventory(objects: MeshObjects): Inventory {
  const services = new Map<string, Service>();
  const virtualServices: KubeObject[] = [];
  const destinationRules = new Map<string, KubeObject[]>();
  const gateways: KubeObject[] = [];
  const sidecars: KubeObject[] = [];
  const httpRoutes: KubeObject[] = [];
  const slices: KubeObject[] = [];
  const externalHosts = new Set<string>();
  const refused: MeshWarning[] = [];
  let meshConfig: KubeObject | undefined;
  for (const object of objects) {
    const { namespace = 'default', name } = object.metadata;
    if (object.kind === 'Service' && object.apiVersion === 'v1') {
      const service = serviceOf(object);
      if (service) services.set(service.fqdn, service);
    } else if (object.kind === 'VirtualService' && istio(object)) {
      const reasons = virtualServiceRefusals(object);
      if (reasons.length === 0) virtualServices.push(object);
      refused.push(...reasons);
    } else if (object.kind === 'DestinationRule' && istio(object)) push(destinationRules, namespace, object);
    else if (object.kind === 'Gateway' && istio(object)) gateways.push(object);
    else if (object.kind === 'Sidecar' && istio(object)) sidecars.push(object);
    else if (object.kind === 'ServiceEntry' && istio(object)) {
      for (const host of texts(object.spec?.hosts)) externalHosts.add(host);
    } else if (object.kind === 'HTTPRoute') httpRoutes.push(object);
    else if (object.kind === 'EndpointSlice') slices.push(object);
    else if (object.kind === 'ConfigMap' && namespace === 'istio-system' && name === 'istio') meshConfig = object;
  }
  virtualServices.sort(byAge);
  httpRoutes.sort(byAge);
  return {
    services,
    virtualServices,
    destinationRules: new Map([...destinationRules].map(([namespace, rules]) => [namespace, indexRules(rules)])),
    gateways,
    sidecars,
    attachments: attachmentsOf(httpRoutes, services),
    settings: meshSettings(meshConfig),
    externalHosts,
    refused,
    endpoints: endpointLookup(podsOf(objects), slices),
  };
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

function endpointLookup(pods: readonly Pod[], slices: readonly KubeObject[]): Inventory['endpoints'] {
  const byLabel = new Map<string, Pod[]>();
  for (const pod of pods) {
    for (const [key, value] of Object.entries(pod.labels)) push(byLabel, `${pod.namespace}/${key}=${value}`, pod);
  }
  const slicesByService = new Map<string, KubeObject[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (service) push(slicesByService, `${slice.metadata.namespace ?? 'default'}/${service}`, slice);
  }
  const podsByKey = new Map(pods.map((pod) => [pod.key, pod]));
  const whole = new Map<string, readonly Endpoint[]>();

  const ofService = (service: Service, port: ServicePort): readonly Endpoint[] => {
    const key = `${port.port}|${service.fqdn}`;
    let endpoints = whole.get(key);
    if (!endpoints) {
      endpoints = service.selector
        ? selected(service.selector, service, byLabel).flatMap((pod) => endpointOf(pod, port))
        : byHand(slicesByService.get(`${service.namespace}/${service.name}`) ?? [], port, podsByKey);
      whole.set(key, endpoints);
    }
    return endpoints;
  };
  const parts = new Map<string, readonly Endpoint[]>();
  return (service, port, subset) => {
    const all = ofService(service, port);
    if (Object.keys(subset).length === 0) return all;
    const key = `${port.port}|${service.fqdn}|${JSON.stringify(subset)}`;
    let part = parts.get(key);
    if (!part) {
      part = all.filter((endpoint) => labelsMatch({ ...subset }, { ...endpoint.labels }));
      parts.set(key, part);
    }
    return part;
  };
}

function selected(
  selector: Readonly<Record<string, string>>,
  service: Service,
  byLabel: ReadonlyMap<string, Pod[]>,
): Pod[] {
  // The rarest label first keeps the cost near the number of pods that match.
  const candidates = Object.entries(selector)
    .map(([key, value]) => byLabel.get(`${service.namespace}/${key}=${value}`) ?? [])
    .sort((a, b) => a.length - b.length)[0];
  return (candidates ?? []).filter((pod) => labelsMatch({ ...selector }, { ...pod.labels }));
}

function endpointOf(pod: Pod, port: ServicePort): Endpoint[] {
  const targetPort = typeof port.targetPort === 'number' ? port.targetPort : pod.portNames.get(port.targetPort);
  if (targetPort === undefined) return [];
  return [{ pod: pod.key, ip: pod.ip, targetPort, ready: pod.ready, labels: pod.labels, workload: pod.workload }];
}

/** Endpoints of a Service without a selector: its EndpointSlices say where they are. */
function byHand(slices: readonly KubeObject[], port: ServicePort, pods: ReadonlyMap<string, Pod>): Endpoint[] {
  return slices.flatMap((slice) => {
    const ports = records(slice.ports);
    const target = number((ports.find((candidate) => (text(candidate.name) ?? '') === port.name) ?? ports[0])?.port);
    if (target === undefined) return [];
    return records(slice.endpoints).flatMap((endpoint) => {
      const ip = text((endpoint.addresses as unknown[] | undefined)?.[0]);
      const conditions = record(endpoint.conditions);
      if (!ip || conditions.terminating === true) return [];
      const reference = record(endpoint.targetRef);
      const key = `${text(reference.namespace) ?? slice.metadata.namespace ?? 'default'}/${text(reference.name) ?? ip}`;
      const pod = pods.get(key);
      const ready = conditions.ready !== false;
      return [{ pod: key, ip, targetPort: target, ready, labels: pod?.labels ?? {}, workload: pod?.workload ?? '' }];
    });
  });
}
