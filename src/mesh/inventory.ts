import { type KubeObject, namespaceOf } from '../base/kubernetes.js';
import { refusalsOf } from './admission.js';
import { compare } from './age.js';
import { Backing, PodIndex } from './endpoints.js';
import { type Attachments, attachmentsOf } from './gatewayApi.js';
import { perObject } from './memo.js';
import { podOf, podsOfWorkloads, workloadEntryOf } from './pods.js';
import { indexRules, type RuleIndexes } from './ruleIndex.js';
import { serviceEntryServices } from './serviceEntries.js';
import { type Alias, aliasOf, type Service, type ServicePort, serviceOf } from './services.js';
import { type MeshSettings, meshSettings } from './settings.js';
import {
  among,
  type Change,
  changeBetween,
  changedSnapshot,
  type Section,
  type Snapshot,
  snapshotOf,
} from './snapshot.js';
import type { Endpoint, MeshObjects, MeshWarning } from './types.js';

/** The objects of one moment, indexed once for all proxies that are compiled from them. */
export interface Inventory {
  readonly snapshot: Snapshot;
  /** By host, in the order of the hosts; Services of Kubernetes and hosts of ServiceEntries. */
  readonly services: ReadonlyMap<string, Service>;
  /** Host -> Services of type ExternalName that are other names for it. */
  readonly aliases: ReadonlyMap<string, readonly Alias[]>;
  /** By their own names. */
  readonly aliasHosts: ReadonlyMap<string, Alias>;
  /** Oldest first. */
  readonly virtualServices: readonly KubeObject[];
  readonly destinationRules: RuleIndexes;
  readonly gateways: readonly KubeObject[];
  readonly sidecars: readonly KubeObject[];
  readonly attachments: Attachments;
  readonly settings: MeshSettings;
  /** Objects that the API server or Istio's webhook would not have stored; they are not compiled. */
  readonly refused: readonly MeshWarning[];
  /** By host. Its identity tells whether what is behind a Service has changed. */
  readonly backings: ReadonlyMap<string, Backing>;
  /** Pods of the Service that carry the subset's labels too, unready ones included. */
  endpoints(service: Service, port: ServicePort, subset: Readonly<Record<string, string>>): readonly Endpoint[];
}

const inventories = new WeakMap<MeshObjects, Inventory>();
let newest: { readonly objects: MeshObjects; readonly inventory: Full } | undefined;

/**
 * Memoised by the array itself: a changed cluster is a new array. One that differs little from the last that was asked for is indexed
 * from it, at the cost of what has changed.
 */
export function inventoryOf(objects: MeshObjects): Inventory {
  let inventory = inventories.get(objects);
  if (!inventory) {
    const change = newest && changeBetween(newest.objects, objects);
    const full =
      newest && change
        ? index(changedSnapshot(newest.inventory.snapshot, change), newest.inventory, change)
        : index(snapshotOf(objects));
    newest = { objects, inventory: full };
    inventory = full;
    inventories.set(objects, inventory);
  }
  return inventory;
}

/** What the next index is made from. */
interface Full extends Inventory {
  readonly pods: PodIndex;
  readonly slicesByService: ReadonlyMap<string, readonly KubeObject[]>;
}

function index(snapshot: Snapshot, before?: Full, change?: Change): Full {
  const unchanged = (...sections: Section[]): boolean =>
    before !== undefined && sections.every((section) => before.snapshot[section] === snapshot[section]);
  const sections = before as Full;
  const services = unchanged('services', 'serviceEntries') ? sections.services : servicesOf(snapshot);
  const pods = unchanged('pods', 'workloads', 'workloadEntries') ? sections.pods : podIndex(snapshot, before, change);
  const slicesByService = unchanged('slices') ? sections.slicesByService : groupSlices(snapshot.slices);
  const settings = meshSettings(snapshot.meshConfigs[0]);
  const backings =
    before && services === before.services && pods === before.pods && slicesByService === before.slicesByService
      ? before.backings
      : backingsOf(services, pods, slicesByService, before?.backings);
  return {
    snapshot,
    services,
    aliases: unchanged('services') ? sections.aliases : aliasesOf(snapshot.services),
    aliasHosts: unchanged('services') ? sections.aliasHosts : aliasHostsOf(snapshot.services),
    virtualServices: admitted(snapshot.virtualServices).stored,
    destinationRules: unchanged('destinationRules', 'meshConfigs')
      ? sections.destinationRules
      : indexRules(
          admitted(snapshot.destinationRules).stored,
          settings.rootNamespace,
          settings.exportTo.destinationRules,
        ),
    gateways: admitted(snapshot.gateways).stored,
    sidecars: admitted(snapshot.sidecars).stored,
    attachments: unchanged('httpRoutes', 'grpcRoutes', 'services', 'serviceEntries', 'kubernetesGateways', 'namespaces')
      ? sections.attachments
      : attachmentsOf(snapshot, services),
    settings,
    refused: refusable.flatMap((section) => admitted(snapshot[section]).refused),
    backings,
    pods,
    slicesByService,
    endpoints: (service, port, subset) => backings.get(service.fqdn)?.of(port, subset) ?? [],
  };
}

const refusable = ['virtualServices', 'destinationRules', 'gateways', 'sidecars', 'serviceEntries'] as const;

/** What the cluster would store of a section, and why it would not store the rest. */
const admitted = perObject((section: readonly KubeObject[]) => {
  const refused = section.flatMap(refusalsOf);
  return {
    refused,
    stored: refused.length === 0 ? section : section.filter((object) => refusalsOf(object).length === 0),
  };
});

/** A Service of Kubernetes stands before a ServiceEntry of the same host. */
function servicesOf({ services, serviceEntries }: Snapshot): ReadonlyMap<string, Service> {
  const found = new Map<string, Service>();
  for (const object of services) {
    const service = serviceOf(object);
    if (service) found.set(service.fqdn, service);
  }
  for (const object of admitted(serviceEntries).stored) {
    for (const service of serviceEntryServices(object)) if (!found.has(service.fqdn)) found.set(service.fqdn, service);
  }
  return new Map([...found].sort(([a], [b]) => compare(a, b)));
}

function aliasesOf(services: readonly KubeObject[]): ReadonlyMap<string, readonly Alias[]> {
  const byTarget = new Map<string, Alias[]>();
  for (const object of services) {
    const alias = aliasOf(object);
    if (alias) push(byTarget, alias.target, alias);
  }
  return byTarget;
}

const aliasHostsOf = (services: readonly KubeObject[]): ReadonlyMap<string, Alias> =>
  new Map(services.flatMap((object) => aliasOf(object) ?? []).map((alias) => [alias.fqdn, alias]));

/** Pods of a cluster; of manifests, which have none, what their workloads would become. */
function podIndex(snapshot: Snapshot, before: Full | undefined, change: Change | undefined): PodIndex {
  const real = snapshot.pods.length > 0;
  if (before && change && real && before.snapshot.pods.length > 0) {
    // What was indexed are the first objects of their identity; those of the change may be later readings of the same.
    const removed = [...before.snapshot.pods, ...before.snapshot.workloadEntries].filter(among(change.removed));
    return before.pods.changed(endpointsAmong(removed), endpointsAmong(change.added));
  }
  const pods = real ? endpointsAmong(snapshot.pods) : podsOfWorkloads(snapshot.workloads);
  return PodIndex.of([...pods, ...endpointsAmong(snapshot.workloadEntries)]);
}

const endpointsAmong = (objects: readonly KubeObject[]) =>
  objects.flatMap(
    (object) =>
      (object.kind === 'Pod' ? podOf(object) : object.kind === 'WorkloadEntry' ? workloadEntryOf(object) : undefined) ??
      [],
  );

function groupSlices(slices: readonly KubeObject[]): ReadonlyMap<string, readonly KubeObject[]> {
  const byService = new Map<string, KubeObject[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (service) push(byService, `${namespaceOf(slice)}/${service}`, slice);
  }
  return byService;
}

const NO_SLICES: readonly KubeObject[] = [];

function backingsOf(
  services: ReadonlyMap<string, Service>,
  pods: PodIndex,
  slices: ReadonlyMap<string, readonly KubeObject[]>,
  before: ReadonlyMap<string, Backing> | undefined,
): ReadonlyMap<string, Backing> {
  const backings = new Map<string, Backing>();
  for (const [host, service] of services) {
    const own = service.selector ? NO_SLICES : (slices.get(`${service.namespace}/${service.name}`) ?? NO_SLICES);
    const known = before?.get(host);
    backings.set(host, known?.stands(service, pods, own) ? known : new Backing(service, pods, own));
  }
  return backings;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}
