import type { KubeObject } from '../../base/kubernetes.js';
import { type CustomDefinition, type DefinedKind, definedKind } from './definitions.js';
import { RESOURCES, type ResourceKind } from './resources.js';
import type { Store } from './store.js';

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';

/**
 * Every kind that the embedded cluster serves at this moment: its own, and those that stored CustomResourceDefinitions add. A definition
 * of a kind that the cluster has anyway (Istio's, the Gateway API's) takes its place, so that its schema holds.
 */
export class KindTable {
  private kinds: readonly ResourceKind[] = RESOURCES;
  private byPath = new Map<string, ResourceKind>();
  private definitions = new Map<string, CustomDefinition>();
  private readonly store: Store;
  private readonly unsubscribe: () => void;
  private stale = true;

  constructor(store: Store) {
    this.store = store;
    this.unsubscribe = store.subscribe(({ resource }) => {
      if (resource === DEFINITIONS) this.stale = true;
    });
  }

  /** In the order of their groups, as `kubectl api-resources` prints them. */
  get all(): readonly ResourceKind[] {
    this.refresh();
    return this.kinds;
  }

  find(group: string, version: string, plural: string): ResourceKind | undefined {
    this.refresh();
    return this.byPath.get(`${group}/${version}/${plural}`);
  }

  /** What a definition says of one version of a kind; undefined for kinds without one. */
  definitionOf(entry: ResourceKind, version: string): CustomDefinition | undefined {
    this.refresh();
    return this.definitions.get(`${entry.resource}/${version}`);
  }

  close(): void {
    this.unsubscribe();
  }

  private refresh(): void {
    if (!this.stale) return;
    this.stale = false;
    const defined = this.store.list(DEFINITIONS).flatMap((object: KubeObject): DefinedKind[] => {
      const kind = definedKind(object);
      return kind ? [kind] : [];
    });
    const replaced = new Map(defined.map(({ entry }) => [entry.resource, entry]));
    const known = new Set(RESOURCES.map(({ resource }) => resource));
    this.kinds = [
      ...RESOURCES.map((entry) => replaced.get(entry.resource) ?? entry),
      ...defined.flatMap(({ entry }) => (known.has(entry.resource) ? [] : [entry])),
    ];
    this.definitions = new Map(
      defined.flatMap(({ entry, versions }) =>
        versions.map((definition) => [`${entry.resource}/${definition.version}`, definition] as const),
      ),
    );
    this.byPath = new Map();
    for (const entry of this.kinds)
      for (const version of entry.versions) this.byPath.set(`${entry.group}/${version}/${entry.plural}`, entry);
  }
}
