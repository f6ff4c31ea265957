import { apiGroup, type KubeObject } from '../../base/kubernetes.js';
import { type ResourceKind, resourceFor } from './resources.js';

/** What a CustomResourceDefinition says of one version. */
export interface CustomDefinition {
  readonly version: string;
  /** `openAPIV3Schema`. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly columns: readonly PrinterColumn[];
  /** JSON paths such as `.spec.replicas`. */
  readonly scale: { readonly spec: string; readonly status: string; readonly selector: string | undefined } | undefined;
}

interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  /** Above 0: only shown with `-o wide`. */
  readonly priority: number;
}

export interface DefinedKind {
  readonly entry: ResourceKind;
  readonly versions: readonly CustomDefinition[];
}

type Dict = Readonly<Record<string, unknown>>;
const dict = (value: unknown): Dict =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Dict) : {};
const dicts = (value: unknown): Dict[] => (Array.isArray(value) ? value.map(dict) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(text) : []);

/** v1 before v1beta1 before v1alpha3, newer before older (apimachinery, version.CompareKubeAwareVersionStrings). */
function byPriority(a: string, b: string): number {
  const parse = (version: string): number[] | undefined => {
    const [, major = '', stage, minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
    if (major === '') return undefined;
    return [stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor)];
  };
  const [x, y] = [parse(a), parse(b)];
  if (!x || !y) return x ? -1 : y ? 1 : a < b ? -1 : 1;
  const at = x.findIndex((part, i) => part !== y[i]);
  return at < 0 ? 0 : (y[at] ?? 0) - (x[at] ?? 0);
}

function versionOf(version: Dict): CustomDefinition {
  const scale = dict(dict(version.subresources).scale);
  return {
    version: text(version.name),
    schema: dict(dict(version.schema).openAPIV3Schema),
    columns: dicts(version.additionalPrinterColumns).map((column) => ({
      name: text(column.name),
      type: text(column.type),
      jsonPath: text(column.jsonPath),
      priority: typeof column.priority === 'number' ? column.priority : 0,
    })),
    scale: scale.specReplicasPath
      ? {
          spec: text(scale.specReplicasPath),
          status: text(scale.statusReplicasPath),
          selector: text(scale.labelSelectorPath) || undefined,
        }
      : undefined,
  };
}

/** The kind that a CustomResourceDefinition adds; undefined when it serves no version. */
export function definedKind(definition: KubeObject): DefinedKind | undefined {
  const spec = definition.spec ?? {};
  const names = dict(spec.names);
  const served = dicts(spec.versions)
    .filter((version) => version.served === true)
    .sort((a, b) => byPriority(text(a.name), text(b.name)));
  const [group, plural, kind] = [text(spec.group), text(names.plural), text(names.kind)];
  if (served.length === 0 || !group || !plural || !kind) return undefined;
  const versions = served.map(versionOf);
  return {
    versions,
    entry: {
      resource: `${plural}.${group}`,
      group,
      versions: versions.map(({ version }) => version),
      kind,
      plural,
      singular: text(names.singular) || kind.toLowerCase(),
      shortNames: texts(names.shortNames),
      namespaced: spec.scope === 'Namespaced',
      status: served.some((version) => dict(version.subresources).status !== undefined),
      scale: versions.some(({ scale }) => scale !== undefined),
      custom: true,
      categories: texts(names.categories),
    },
  };
}

/** Kinds that CustomResourceDefinitions among objects add, beside those that the cluster has anyway. */
export function definedKinds(objects: readonly KubeObject[]): {
  readonly defined: readonly ResourceKind[];
  /** undefined: nobody serves the kind in that version. */
  find(apiVersion: string, kind: string): ResourceKind | undefined;
} {
  const defined = objects
    .filter(({ apiVersion, kind }) => kind === 'CustomResourceDefinition' && apiVersion === 'apiextensions.k8s.io/v1')
    .flatMap((object) => definedKind(object)?.entry ?? []);
  const find = (apiVersion: string, kind: string): ResourceKind | undefined =>
    defined.find(
      (entry) =>
        entry.kind === kind &&
        entry.group === apiGroup(apiVersion) &&
        entry.versions.includes(apiVersion.slice(apiVersion.indexOf('/') + 1)),
    ) ?? resourceFor(apiVersion, kind);
  return { defined, find };
}
