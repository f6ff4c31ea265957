import { createHash } from 'node:crypto';
import type { GraphOptions } from '../options.js';
import { UNKNOWN } from './nodes.js';

/** A node in Kiali's answer; empty fields and false flags are absent. */
export interface NodeData {
  readonly id: string;
  parent?: string;
  readonly nodeType: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly workload?: string;
  readonly app?: string;
  readonly version?: string;
  readonly service?: string;
  readonly isBox?: string;
  healthData: object | null;
  isOutOfMesh?: true;
  isInaccessible?: true;
  isOutside?: true;
  [field: string]: unknown;
}

/** Puts nodes into boxes (sets their `parent`) and returns the boxes. App boxes come with the app graphs, others on request. */
export function boxNodes(nodes: readonly NodeData[], options: GraphOptions): NodeData[] {
  const boxes: NodeData[] = [];
  const { graphType, boxBy } = options;
  if (boxBy.includes('app') || graphType === 'app' || graphType === 'versionedApp') {
    boxes.push(
      ...box('app', nodes, ({ cluster, namespace, app }) =>
        app === undefined || app === UNKNOWN ? undefined : `box_${cluster}_${namespace}_${app}`,
      ),
    );
  }
  if (boxBy.includes('namespace')) {
    const free = [...nodes, ...boxes].filter(({ parent }) => parent === undefined);
    boxes.push(
      ...box(
        'namespace',
        free,
        ({ cluster, namespace }) => (namespace === UNKNOWN ? undefined : `box_${cluster}_${namespace}`),
        true,
      ),
    );
  }
  if (boxBy.includes('cluster')) {
    const free = [...nodes, ...boxes].filter(({ parent }) => parent === undefined);
    boxes.push(...box('cluster', free, ({ cluster }) => (cluster === UNKNOWN ? undefined : `box_${cluster}`), true));
  }
  return boxes;
}

/** @param distinct one box around everything says nothing: then there is none. */
function box(
  kind: 'app' | 'namespace' | 'cluster',
  nodes: readonly NodeData[],
  keyOf: (node: NodeData) => string | undefined,
  distinct = false,
): NodeData[] {
  const groups = new Map<string, NodeData[]>();
  for (const node of nodes) {
    const key = keyOf(node);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  if (distinct && groups.size < 2) return [];
  return [...groups].flatMap(([key, members]) => {
    const [first, second] = members;
    if (!first || !second) return [];
    const id = createHash('md5').update(key).digest('hex');
    const made: NodeData = {
      id,
      nodeType: 'box',
      cluster: first.cluster,
      namespace: kind === 'cluster' ? '' : first.namespace,
      ...(kind === 'app' && first.app !== undefined ? { app: first.app } : {}),
      healthData: null,
      isBox: kind,
    };
    for (const member of members) {
      member.parent = id;
      if (kind !== 'app') continue;
      if (member.isOutOfMesh) made.isOutOfMesh = true;
      if (member.isInaccessible) made.isInaccessible = true;
      if (member.isOutside) made.isOutside = true;
    }
    return [made];
  });
}
