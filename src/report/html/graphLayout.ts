import dagre from '@dagrejs/dagre';
import type { TrafficGraph } from '../../observe/types.js';
import { px } from './paint.js';

type GraphNode = TrafficGraph['nodes'][number];
type GraphEdge = TrafficGraph['edges'][number];

export type Direction = 'LR' | 'TB';
export interface PlacedNode {
  readonly node: GraphNode;
  readonly shape: 'square' | 'triangle' | 'circle';
  /** Centre. */
  readonly x: number;
  readonly y: number;
}
interface PlacedBox {
  readonly app: string;
  readonly namespace: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface PlacedEdge {
  readonly edge: GraphEdge;
  readonly path: string;
  readonly labelX: number;
  readonly labelY: number;
}
export interface GraphLayout {
  /** Upper left corner: edges may lead around the boxes on any side. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly PlacedBox[];
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** Half the side of a square, and what stands for it in the other shapes. */
export const NODE_RADIUS = 13;
/** Longest name of a box before it is cut. */
export const TITLE_LENGTH: Readonly<Record<Direction, number>> = { LR: 24, TB: 11 };
const PAD = 16;
const HEADER = 26;
/** Per version, with its label. */
const ROW = 56;
const COLUMN = 74;
/** From a service to its versions, with room for a percentage. */
const GAP = 92;
/** Height of the label below a node. */
const LABEL = 16;
const MARGIN = 10;
const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

interface Box {
  readonly key: string;
  readonly app: string;
  readonly namespace: string;
  readonly services: readonly GraphNode[];
  readonly versions: readonly GraphNode[];
  readonly framed: boolean;
}

/**
 * A flat layout: one node per app box, versions stacked inside by this code. (dagre's compound mode stretches boxes; insertion
 * order changes its result, hence all is sorted first.)
 */
export function layoutGraph(graph: TrafficGraph, direction: Direction): GraphLayout {
  const boxes = boxesOf(graph);
  const owner = new Map(boxes.flatMap((box) => [...box.services, ...box.versions].map(({ id }) => [id, box.key])));
  const g = new dagre.graphlib.Graph();
  const roomy = direction === 'LR';
  g.setGraph({
    rankdir: direction,
    ranksep: roomy ? 88 : 64,
    nodesep: roomy ? 26 : 12,
    marginx: MARGIN,
    marginy: MARGIN,
  });
  g.setDefaultEdgeLabel(() => ({}));
  for (const box of boxes) g.setNode(box.key, sizeOf(box, direction));
  const edges = graph.edges
    .filter(({ from, to }) => owner.has(from) && owner.has(to))
    .sort((a, b) => byText(a.from, b.from) || byText(a.to, b.to));
  for (const { from, to } of edges) {
    const [tail, head] = [owner.get(from) ?? '', owner.get(to) ?? ''];
    if (tail !== head) g.setEdge(tail, head);
  }
  dagre.layout(g);
  const nodes = boxes.flatMap((box) => place(box, g.node(box.key) as Rect, direction));
  const placed = new Map(nodes.map((one) => [one.node.id, one]));
  const incoming = (id: string) => edges.filter(({ to }) => to === id).length;
  const outgoing = (id: string) => edges.filter(({ from }) => from === id).length;
  const bends = (tail: string, head: string): Point[] => {
    const label = g.edge(tail, head) as { points?: Point[] } | undefined;
    const points = label?.points ?? [];
    // Between neighbouring ranks the one bend is only half-way and would stiffen the line.
    return points.length > 3 ? points.slice(1, -1) : [];
  };
  return {
    ...extent(
      boxes.map(({ key }) => g.node(key) as Rect),
      g.edges().flatMap(({ v, w }: { v: string; w: string }) => (g.edge(v, w) as { points?: Point[] }).points ?? []),
    ),
    boxes: boxes.filter(({ framed }) => framed).map((box) => frame(box, g.node(box.key) as Rect)),
    nodes,
    edges: edges.flatMap((edge) => {
      const [a, b] = [placed.get(edge.from), placed.get(edge.to)];
      if (!a || !b) return [];
      const [tail, head] = [owner.get(edge.from) ?? '', owner.get(edge.to) ?? ''];
      // Edges of one source lie apart at their heads, edges to one target at their tails.
      const gathers = incoming(edge.to) > 1 && outgoing(edge.from) === 1;
      return [route(edge, a, b, tail === head ? [] : bends(tail, head), direction, gathers ? 0.35 : 0.65)];
    }),
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}
interface Rect extends Point {
  readonly width: number;
  readonly height: number;
}

/** What boxes and bends cover, with a margin; dagre's own size leaves bends out. */
function extent(boxes: readonly Rect[], bends: readonly Point[]) {
  const xs = [...boxes.flatMap(({ x, width }) => [x - width / 2, x + width / 2]), ...bends.map(({ x }) => x)];
  const ys = [...boxes.flatMap(({ y, height }) => [y - height / 2, y + height / 2]), ...bends.map(({ y }) => y)];
  const [left, top] = [Math.min(...xs) - MARGIN, Math.min(...ys) - MARGIN];
  return {
    left: px(left),
    top: px(top),
    width: px(Math.max(...xs) + MARGIN - left),
    height: px(Math.max(...ys) + MARGIN - top),
  };
}

function boxesOf(graph: TrafficGraph): Box[] {
  const groups = new Map<string, GraphNode[]>();
  for (const node of [...graph.nodes].sort((a, b) => byText(a.version, b.version) || byText(a.id, b.id))) {
    const app = node.app || (node.kind === 'service' ? node.label : '');
    const key = app && node.kind !== 'unknown' ? `${node.namespace}/${app}` : `#${node.id}`;
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return [...groups]
    .sort(([a], [b]) => byText(a, b))
    .map(([key, nodes]) => {
      const first = nodes[0];
      return {
        key,
        app: first?.app || first?.label || '',
        namespace: first?.namespace ?? '',
        services: nodes.filter(({ kind }) => kind === 'service'),
        versions: nodes.filter(({ kind }) => kind !== 'service'),
        framed: !key.startsWith('#'),
      };
    });
}

const SIZE = 2 * NODE_RADIUS;
const labelWidth = (text: string, direction: Direction) =>
  Math.min(text.length, TITLE_LENGTH[direction]) * (direction === 'LR' ? 8.7 : 9.8);

function sizeOf(box: Box, direction: Direction): { width: number; height: number } {
  if (!box.framed) return { width: Math.max(COLUMN, labelWidth(box.app, direction)), height: ROW };
  const title = labelWidth(box.app, direction) + 44;
  const both = box.services.length > 0 && box.versions.length > 0;
  if (direction === 'LR') {
    const rows = Math.max(box.services.length, box.versions.length, 1);
    const content = both ? 2 * SIZE + GAP : SIZE;
    return { width: Math.max(content + 2 * PAD, title), height: HEADER + rows * ROW + PAD / 2 };
  }
  const columns = Math.max(box.services.length, box.versions.length, 1);
  return {
    width: Math.max(columns * COLUMN + PAD, title),
    height: HEADER + (both ? SIZE + GAP - 20 + ROW : ROW) + PAD / 2,
  };
}

const frame = ({ app, namespace }: Box, { x, y, width, height }: Rect): PlacedBox => ({
  app,
  namespace,
  x: px(x - width / 2),
  y: px(y - height / 2),
  width: px(width),
  height: px(height),
});

function place(box: Box, rect: Rect, direction: Direction): PlacedNode[] {
  const top = rect.y - rect.height / 2 + (box.framed ? HEADER : 0);
  const both = box.services.length > 0 && box.versions.length > 0;
  const lineUp = (nodes: readonly GraphNode[], second: boolean) =>
    nodes.map((node, index) => {
      const offset = index - (nodes.length - 1) / 2;
      const along = both ? (second ? 0.5 : -0.5) : 0;
      const middle = top + (rect.height - (box.framed ? HEADER + PAD / 2 : 0)) / 2;
      const x = direction === 'LR' ? rect.x + along * (SIZE + GAP) : rect.x + offset * COLUMN;
      const shift = direction === 'LR' ? offset * ROW : along * (SIZE + GAP - 20);
      return { node, shape: shapeOf(node), x: px(x), y: px(middle + shift - LABEL / 2) };
    });
  return [...lineUp(box.services, false), ...lineUp(box.versions, true)];
}

const shapeOf = ({ kind, app }: GraphNode): PlacedNode['shape'] =>
  kind === 'service' ? 'triangle' : kind === 'workload' && app ? 'square' : 'circle';

/** A smooth line through dagre's bends that leaves and arrives along the direction of the layout. */
function route(
  edge: GraphEdge,
  a: PlacedNode,
  b: PlacedNode,
  bends: readonly Point[],
  direction: Direction,
  labelAt: number,
): PlacedEdge {
  const reach = NODE_RADIUS + 2;
  const lr = direction === 'LR';
  // Below a node stands its label.
  const start = lr ? { x: a.x + reach, y: a.y } : { x: a.x, y: a.y + reach + (a.shape === 'triangle' ? 0 : LABEL) };
  const end = lr ? { x: b.x - reach - 5, y: b.y } : { x: b.x, y: b.y - reach - 5 };
  const points = [start, ...bends, end];
  let path = `M${px(start.x)} ${px(start.y)}`;
  for (const [index, to] of points.slice(1).entries()) {
    const from = points[index] ?? start;
    const c1 = lr ? { x: (from.x + to.x) / 2, y: from.y } : { x: from.x, y: (from.y + to.y) / 2 };
    const c2 = lr ? { x: (from.x + to.x) / 2, y: to.y } : { x: to.x, y: (from.y + to.y) / 2 };
    path += `C${px(c1.x)} ${px(c1.y)} ${px(c2.x)} ${px(c2.y)} ${px(to.x)} ${px(to.y)}`;
  }
  const middle = Math.floor((points.length - 2) / 2);
  const [p, q] = [points[middle] ?? start, points[middle + 1] ?? end];
  // On the curve above, along and across the direction of the layout.
  const t = points.length > 2 ? 0.5 : labelAt;
  const along = 1.5 * t - 1.5 * t * t + t ** 3;
  const across = 3 * t * t - 2 * t ** 3;
  const [right, down] = lr ? [along, across] : [across, along];
  return { edge, path, labelX: px(p.x + (q.x - p.x) * right), labelY: px(p.y + (q.y - p.y) * down) };
}
