import type { KubeObject } from '../../base/kubernetes.js';
import type { Cell, Column } from './columns.js';

/** What `Accept` asks for: the first media range that is served. */
export function representation(accept: string): 'Table' | 'PartialObjectMetadata' | 'object' {
  for (const range of accept.split(',')) {
    const parts = range.split(';').map((part) => part.trim());
    if (!/^(application\/(json|yaml|\*)|\*\/\*)$/.test(parts[0] ?? '')) continue;
    const as = parts.find((part) => part.startsWith('as='))?.slice(3);
    if (as === undefined) return 'object';
    if (as === 'Table') return 'Table';
    if (as.startsWith('PartialObjectMetadata')) return 'PartialObjectMetadata';
  }
  return 'object';
}

export const asPartial = ({ metadata }: KubeObject): Record<string, unknown> => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata,
});

/**
 * Renders objects as the `Table` that `kubectl get` prints.
 * @param options.include value of `includeObject`: Metadata (default), Object or None.
 * @param options.headless leaves the column definitions out, as in all but the first event of a watch.
 */
export function asTable(
  columns: readonly Column[],
  items: readonly KubeObject[],
  options: {
    readonly now: Date;
    readonly metadata: Record<string, unknown>;
    readonly include: string | null;
    readonly headless?: boolean;
  },
): Record<string, unknown> {
  const rows = items.map((item) => ({
    cells: columns.map((column): Cell => column.cell(item, options.now)),
    ...(options.include === 'None' ? {} : { object: options.include === 'Object' ? item : asPartial(item) }),
  }));
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: options.headless
      ? []
      : columns.map(({ name, type, wide }) => ({
          name,
          type,
          format: name === 'Name' ? 'name' : '',
          description: '',
          priority: wide ? 1 : 0,
        })),
    rows,
  };
}
