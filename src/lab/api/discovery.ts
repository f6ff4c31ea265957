import type { KindTable } from '../control/kinds.js';
import type { ResourceKind } from '../control/resources.js';
import { openapiV2 } from './openapiV2.js';

type Json = Record<string, unknown>;

/** What `/version` answers: the release whose behaviour is imitated. */
const VERSION: Json = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.1',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2025-09-09T19:15:42Z',
  goVersion: 'go1.24.6',
  compiler: 'gc',
  platform: 'linux/amd64',
};

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
/** Kinds that can only be created and are never stored. */
const REVIEWS: readonly (readonly [plural: string, kind: string, namespaced: boolean])[] = [
  ['selfsubjectaccessreviews', 'SelfSubjectAccessReview', false],
  ['selfsubjectrulesreviews', 'SelfSubjectRulesReview', false],
];

interface Subresource {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

function subresources(entry: ResourceKind): Subresource[] {
  const found: Subresource[] = [];
  if (entry.status) found.push({ name: 'status', kind: entry.kind, verbs: ['get', 'patch', 'update'] });
  if (entry.scale) {
    found.push({
      name: 'scale',
      kind: 'Scale',
      group: 'autoscaling',
      version: 'v1',
      verbs: ['get', 'patch', 'update'],
    });
  }
  if (entry.resource === 'pods') {
    found.push(
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
      { name: 'proxy', kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    );
  }
  if (entry.resource === 'services') {
    found.push({ name: 'proxy', kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] });
  }
  return found;
}

function listedResources(entry: ResourceKind): Json[] {
  return [
    {
      name: entry.plural,
      singularName: entry.singular,
      namespaced: entry.namespaced,
      kind: entry.kind,
      verbs: VERBS,
      ...(entry.shortNames.length > 0 ? { shortNames: entry.shortNames } : {}),
      ...(entry.categories.length > 0 ? { categories: entry.categories } : {}),
    },
    ...subresources(entry).map(({ name, kind, group, version, verbs }) => ({
      name: `${entry.plural}/${name}`,
      singularName: '',
      namespaced: entry.namespaced,
      kind,
      verbs,
      ...(group ? { group, version } : {}),
    })),
  ];
}

/** Served versions by group, the preferred one first. */
function groups(kinds: KindTable): Map<string, string[]> {
  const found = new Map<string, string[]>([['authorization.k8s.io', ['v1']]]);
  for (const { group, versions } of kinds.all) {
    const known = found.get(group) ?? [];
    found.set(group, [...known, ...versions.filter((version) => !known.includes(version))]);
  }
  return found;
}

const inGroupVersion = (kinds: KindTable, group: string, version: string): ResourceKind[] =>
  kinds.all.filter((entry) => entry.group === group && entry.versions.includes(version));

function apiGroupOf(name: string, versions: readonly string[]): Json {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
}

function resourceList(kinds: KindTable, group: string, version: string): Json {
  const reviews = REVIEWS.map(([name, kind, namespaced]) => ({
    name,
    singularName: kind.toLowerCase(),
    namespaced,
    kind,
    verbs: ['create'],
  }));
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group ? `${group}/${version}` : version,
    resources:
      group === 'authorization.k8s.io'
        ? reviews
        : inGroupVersion(kinds, group, version).flatMap((entry) => listedResources(entry)),
  };
}

/** Aggregated discovery (apidiscovery.k8s.io/v2): one answer instead of one per group and version. */
function aggregated(kinds: KindTable, wanted: 'core' | 'groups'): Json {
  const items = [...groups(kinds)]
    .filter(([group]) => (group === '') === (wanted === 'core') && group !== 'authorization.k8s.io')
    .map(([group, versions]) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        freshness: 'Current',
        resources: inGroupVersion(kinds, group, version).map((entry) => ({
          resource: entry.plural,
          responseKind: { group, version, kind: entry.kind },
          scope: entry.namespaced ? 'Namespaced' : 'Cluster',
          singularResource: entry.singular,
          verbs: VERBS,
          ...(entry.shortNames.length > 0 ? { shortNames: entry.shortNames } : {}),
          ...(entry.categories.length > 0 ? { categories: entry.categories } : {}),
          subresources: subresources(entry).map((sub) => ({
            subresource: sub.name,
            responseKind: { group: sub.group ?? group, version: sub.version ?? version, kind: sub.kind },
            verbs: sub.verbs,
          })),
        })),
      })),
    }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

/** OpenAPI v3 without schemas: kubectl only looks for each kind's patch and whether it takes `fieldValidation`. */
function openapi(kinds: KindTable, group: string, version: string): Json {
  const base = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const paths = inGroupVersion(kinds, group, version).map((entry): [string, Json] => {
    const path = `${base}${entry.namespaced ? '/namespaces/{namespace}' : ''}/${entry.plural}/{name}`;
    const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
      name,
      in: 'query',
      schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
    }));
    const patch = {
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group, version, kind: entry.kind },
      parameters,
      responses: {},
    };
    return [path, { patch }];
  });
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.34.1' },
    paths: Object.fromEntries(paths),
    components: { schemas: {} },
  };
}

function openapiIndex(kinds: KindTable): Json {
  const paths = [...groups(kinds)].flatMap(([group, versions]) =>
    versions.map((version) => {
      const path = group ? `apis/${group}/${version}` : `api/${version}`;
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=1` }];
    }),
  );
  return { paths: Object.fromEntries(paths) };
}

/** An answer of discovery; `contentType` where it is not plain JSON. */
export interface DiscoveryAnswer {
  readonly body: Json | string | Buffer;
  readonly contentType?: string;
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Whether the client takes aggregated discovery and prefers it to the plain lists. */
function wantsAggregated(accept: string): boolean {
  const ranges = accept.replaceAll(' ', '').split(',');
  const at = ranges.findIndex(
    (r) => r.includes('as=APIGroupDiscoveryList') && r.includes('v=v2') && !r.includes('v=v2beta1'),
  );
  const plain = ranges.findIndex((range) => range === 'application/json' || range === '*/*');
  return at >= 0 && (plain < 0 || at < plain) && ranges[at]?.startsWith('application/json') === true;
}

function groupAnswer(kinds: KindTable, segments: readonly string[]): DiscoveryAnswer | undefined {
  const [root, group = '', version] = segments;
  if (root === 'api') {
    return segments.length === 2 && group === 'v1' ? { body: resourceList(kinds, '', 'v1') } : undefined;
  }
  const versions = groups(kinds).get(group);
  if (!versions || group === '') return undefined;
  if (segments.length === 2) return { body: { kind: 'APIGroup', apiVersion: 'v1', ...apiGroupOf(group, versions) } };
  return segments.length === 3 && version && versions.includes(version)
    ? { body: resourceList(kinds, group, version) }
    : undefined;
}

function rootAnswer(kinds: KindTable, path: string, accept: string): DiscoveryAnswer | undefined {
  switch (path) {
    case '/version':
      return { body: VERSION };
    case '/healthz':
    case '/livez':
    case '/readyz':
      return { body: 'ok' };
    case '/api':
      return wantsAggregated(accept)
        ? { body: aggregated(kinds, 'core'), contentType: AGGREGATED }
        : { body: { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] } };
    case '/apis': {
      if (wantsAggregated(accept)) return { body: aggregated(kinds, 'groups'), contentType: AGGREGATED };
      const list = [...groups(kinds)]
        .filter(([name]) => name !== '')
        .map(([name, versions]) => apiGroupOf(name, versions));
      return { body: { kind: 'APIGroupList', apiVersion: 'v1', groups: list } };
    }
    case '/openapi/v2':
      return { body: openapiV2(kinds), contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' };
    case '/openapi/v3':
      return { body: openapiIndex(kinds) };
    case '/':
      return {
        body: { paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'] },
      };
    default:
      return undefined;
  }
}

/** Answers `/version`, health, `/api`, `/apis`, group, group-version and OpenAPI paths; undefined for all others. */
export function discovery(kinds: KindTable, path: string, accept: string): DiscoveryAnswer | undefined {
  const found = rootAnswer(kinds, path, accept);
  if (found) return found;
  const segments = path.split('/').filter((part) => part !== '');
  if (segments[0] === 'api' || segments[0] === 'apis') return groupAnswer(kinds, segments);
  if (segments[0] !== 'openapi' || segments[1] !== 'v3') return undefined;
  const [, , root, group = '', version = ''] = segments;
  if (root === 'api' && group === 'v1') return { body: openapi(kinds, '', 'v1') };
  return root === 'apis' && groups(kinds).get(group)?.includes(version)
    ? { body: openapi(kinds, group, version) }
    : undefined;
}
