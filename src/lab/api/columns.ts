import type { KubeObject } from '../../base/kubernetes.js';
import type { CustomDefinition } from '../control/definitions.js';
import type { ResourceKind } from '../control/resources.js';
import { valuesAt } from './jsonPath.js';
import { type Dict, isDict } from './lists.js';

export type Cell = string | number | boolean | null;

export interface Column {
  readonly name: string;
  /** `string`, `integer`, `date`, ... */
  readonly type: string;
  /** Only shown with `-o wide`. */
  readonly wide: boolean;
  readonly cell: (object: KubeObject, now: Date) => Cell;
}

const dict = (value: unknown): Dict => (isDict(value) ? value : {});
const dicts = (value: unknown): Dict[] => (Array.isArray(value) ? value.filter(isDict) : []);
const text = (value: unknown, none = '<none>'): string =>
  value === undefined || value === null || value === '' ? none : String(value);
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Elapsed time with at most two units, as kubectl prints ages: `45s`, `3m12s`, `5h`, `12d`. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`;
}

const age = (from: unknown, now: Date): string =>
  typeof from === 'string' && !Number.isNaN(Date.parse(from))
    ? humanDuration(now.getTime() - Date.parse(from))
    : '<unknown>';

function column(name: string, cell: Column['cell'], options: { wide?: boolean; type?: Column['type'] } = {}): Column {
  return { name, type: options.type ?? 'string', wide: options.wide ?? false, cell };
}

const NAME = column('Name', (o) => o.metadata.name);
const AGE = column('Age', (o, now) => age(o.metadata.creationTimestamp, now));
const integer = (name: string, cell: Column['cell']) => column(name, cell, { type: 'integer' });
const wide = (name: string, cell: Column['cell']) => column(name, cell, { wide: true });
const pairs = (value: unknown): string =>
  text(
    Object.entries(dict(value))
      .map(([key, entry]) => `${key}=${String(entry)}`)
      .join(','),
  );
const containersOf = (o: KubeObject): Dict[] => dicts(dict(dict(o.spec?.template).spec).containers);
const WORKLOAD_WIDE = [
  wide('Containers', (o) =>
    containersOf(o)
      .map((c) => text(c.name))
      .join(','),
  ),
  wide('Images', (o) =>
    containersOf(o)
      .map((c) => text(c.image))
      .join(','),
  ),
  wide('Selector', (o) => pairs(dict(o.spec?.selector).matchLabels)),
];

/** The word in STATUS: a deletion, else the first waiting or terminated reason, else the phase. */
function podStatus(o: KubeObject): string {
  if (o.metadata.deletionTimestamp) return 'Terminating';
  const statuses = dicts(o.status?.containerStatuses);
  for (const { state } of statuses) {
    const reason = dict(dict(state).waiting).reason ?? dict(dict(state).terminated).reason;
    if (reason) return String(reason);
  }
  return text(o.status?.reason ?? o.status?.phase, 'Unknown');
}

function servicePorts(o: KubeObject): string {
  const ports = dicts(o.spec?.ports).map(
    (p) => `${p.port}${p.nodePort ? `:${p.nodePort}` : ''}/${text(p.protocol, 'TCP')}`,
  );
  return text(ports.join(','));
}

function externalIp(o: KubeObject): string {
  if (o.spec?.type === 'ExternalName') return text(o.spec.externalName);
  const ingress = dicts(dict(o.status?.loadBalancer).ingress).map(({ ip, hostname }) => String(ip ?? hostname));
  return text(ingress.join(','), o.spec?.type === 'LoadBalancer' ? '<pending>' : '<none>');
}

function endpointAddresses(o: KubeObject): string {
  const all = dicts(o.subsets).flatMap((subset) =>
    dicts(subset.addresses).flatMap(({ ip }) => dicts(subset.ports).map(({ port }) => `${ip}:${port}`)),
  );
  return text(all.slice(0, 3).join(',') + (all.length > 3 ? ` + ${all.length - 3} more...` : ''));
}

/** Additional printer columns of Istio's CRDs print a list as JSON. */
const jsonList = (value: unknown): string => (Array.isArray(value) ? JSON.stringify(value) : '');

const TABLES: Readonly<Record<string, readonly Column[]>> = {
  pods: [
    NAME,
    column('Ready', (o) => {
      const statuses = dicts(o.status?.containerStatuses);
      return `${statuses.filter(({ ready }) => ready === true).length}/${dicts(o.spec?.containers).length}`;
    }),
    column('Status', podStatus),
    column('Restarts', (o) =>
      String(dicts(o.status?.containerStatuses).reduce((sum, s) => sum + count(s.restartCount), 0)),
    ),
    AGE,
    wide('IP', (o) => text(o.status?.podIP)),
    wide('Node', (o) => text(o.spec?.nodeName)),
    wide('Nominated Node', (o) => text(o.status?.nominatedNodeName)),
    wide('Readiness Gates', (o) => text(dicts(o.spec?.readinessGates).length || undefined)),
  ],
  'deployments.apps': [
    NAME,
    column('Ready', (o) => `${count(o.status?.readyReplicas)}/${count(o.spec?.replicas)}`),
    column('Up-to-date', (o) => count(o.status?.updatedReplicas)),
    column('Available', (o) => count(o.status?.availableReplicas)),
    AGE,
    ...WORKLOAD_WIDE,
  ],
  'replicasets.apps': [
    NAME,
    integer('Desired', (o) => count(o.spec?.replicas)),
    integer('Current', (o) => count(o.status?.replicas)),
    integer('Ready', (o) => count(o.status?.readyReplicas)),
    AGE,
    ...WORKLOAD_WIDE,
  ],
  'statefulsets.apps': [
    NAME,
    column('Ready', (o) => `${count(o.status?.readyReplicas)}/${count(o.spec?.replicas)}`),
    AGE,
    ...WORKLOAD_WIDE.slice(0, 2),
  ],
  services: [
    NAME,
    column('Type', (o) => text(o.spec?.type, 'ClusterIP')),
    column('Cluster-IP', (o) => text(o.spec?.clusterIP)),
    column('External-IP', externalIp),
    column('Port(s)', servicePorts),
    AGE,
    wide('Selector', (o) => pairs(o.spec?.selector)),
  ],
  endpoints: [NAME, column('Endpoints', endpointAddresses), AGE],
  namespaces: [NAME, column('Status', (o) => text(o.status?.phase, 'Active')), AGE],
  configmaps: [NAME, column('Data', (o) => Object.keys({ ...dict(o.data), ...dict(o.binaryData) }).length), AGE],
  secrets: [NAME, column('Type', (o) => text(o.type)), column('Data', (o) => Object.keys(dict(o.data)).length), AGE],
  events: [
    column('Last Seen', (o, now) => age(o.lastTimestamp ?? o.eventTime ?? o.metadata.creationTimestamp, now)),
    column('Type', (o) => text(o.type)),
    column('Reason', (o) => text(o.reason)),
    column('Object', (o) => `${text(dict(o.involvedObject).kind).toLowerCase()}/${text(dict(o.involvedObject).name)}`),
    column('Message', (o) => text(o.message, '')),
  ],
  'jobs.batch': [
    NAME,
    column('Completions', (o) => `${count(o.status?.succeeded)}/${text(o.spec?.completions, '1')}`),
    AGE,
  ],
  'testruns.k6.io': [
    NAME,
    column('Stage', (o) => text(o.status?.stage, '')),
    AGE,
    column('TestRunID', (o) => text(o.status?.testRunId, '')),
  ],
  'leases.coordination.k8s.io': [NAME, column('Holder', (o) => text(o.spec?.holderIdentity, '')), AGE],
  'customresourcedefinitions.apiextensions.k8s.io': [
    NAME,
    column('Created At', (o) => text(o.metadata.creationTimestamp)),
  ],
  'virtualservices.networking.istio.io': [
    NAME,
    column('Gateways', (o) => jsonList(o.spec?.gateways)),
    column('Hosts', (o) => jsonList(o.spec?.hosts)),
    AGE,
  ],
  'destinationrules.networking.istio.io': [NAME, column('Host', (o) => text(o.spec?.host, '')), AGE],
  'serviceentries.networking.istio.io': [
    NAME,
    column('Hosts', (o) => jsonList(o.spec?.hosts)),
    column('Location', (o) => text(o.spec?.location, '')),
    column('Resolution', (o) => text(o.spec?.resolution, '')),
    AGE,
  ],
  'httproutes.gateway.networking.k8s.io': [NAME, column('Hostnames', (o) => jsonList(o.spec?.hostnames)), AGE],
  'gateways.gateway.networking.k8s.io': [NAME, column('Class', (o) => text(o.spec?.gatewayClassName, '')), AGE],
};

/** A cell as a CustomResourceDefinition's printer column shows it: lists and objects as JSON, dates as ages. */
function printed(value: unknown, type: string, now: Date): Cell {
  if (value === undefined) return null;
  if (type === 'date') return age(value, now);
  if (typeof value === 'object') return JSON.stringify(value);
  return type === 'string' ? String(value) : (value as Cell);
}

/** The columns of `kubectl get` for a kind: those of its definition where it has one; NAME and AGE where there is nothing better. */
export function columnsOf(entry: ResourceKind, definition: CustomDefinition | undefined): readonly Column[] {
  if (!definition) return TABLES[entry.resource] ?? [NAME, AGE];
  if (definition.columns.length === 0) return [NAME, { ...AGE, type: 'date' }];
  return [
    NAME,
    ...definition.columns.map(({ name, type, jsonPath, priority }) => ({
      name,
      type,
      wide: priority > 0,
      cell: (object: KubeObject, now: Date) => printed(valuesAt(object, jsonPath)[0], type, now),
    })),
  ];
}
