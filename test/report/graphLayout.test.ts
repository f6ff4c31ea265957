import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TrafficGraph } from '../../src/observe/types.js';
import { layoutGraph } from '../../src/report/html/graphLayout.js';

const apps = ['web', 'cart', 'stock', 'mail', 'db'];
/** Any graph over a few apps with a service and up to three versions each, with edges in any order, back and to itself too. */
const graphs = fc
  .record({
    versions: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: apps.length }),
    pairs: fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 20 }),
  })
  .map(({ versions, pairs }): TrafficGraph => {
    const nodes = versions.flatMap((number, index) => {
      const app = apps[index] ?? '';
      const node = (id: string, kind: 'service' | 'workload', version: string) => ({
        id,
        kind,
        namespace: 'shop',
        app,
        version,
        label: app,
        inRate: 1,
        outRate: 1,
        flags: [],
      });
      const workloads = Array.from({ length: number }, (_, v) => node(`${app}-v${v + 1}`, 'workload', `v${v + 1}`));
      return [node(`${app}-svc`, 'service', ''), ...workloads];
    });
    const edges = pairs.map(([a, b]) => ({
      from: nodes[a % nodes.length]?.id ?? '',
      to: nodes[b % nodes.length]?.id ?? '',
      rate: 1,
      percent: 50,
      errorPercent: 0,
    }));
    return { nodes, edges };
  });

describe.each(['LR', 'TB'] as const)('a graph laid out %s', (direction) => {
  test('boxes do not overlap, nodes stand in their box, everything stands on the drawing', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const { left, top, width, height, boxes, nodes } = layoutGraph(graph, direction);
        for (const [index, a] of boxes.entries()) {
          expect(a.x).toBeGreaterThanOrEqual(left);
          expect(a.y).toBeGreaterThanOrEqual(top);
          expect(a.x + a.width).toBeLessThanOrEqual(left + width + 0.2);
          expect(a.y + a.height).toBeLessThanOrEqual(top + height + 0.2);
          for (const b of boxes.slice(index + 1)) {
            const apart =
              a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
            expect(apart).toBe(true);
          }
        }
        expect(nodes).toHaveLength(graph.nodes.length);
        for (const { node, x, y } of nodes) {
          const box = boxes.find(({ app }) => app === node.app);
          expect(x).toBeGreaterThan(box?.x ?? Number.NaN);
          expect(x).toBeLessThan((box?.x ?? Number.NaN) + (box?.width ?? 0));
          expect(y).toBeGreaterThan(box?.y ?? Number.NaN);
          expect(y).toBeLessThan((box?.y ?? Number.NaN) + (box?.height ?? 0));
        }
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  test('does not depend on the order in which nodes and edges come', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        // Edges between the same two nodes are alike here, so their order cannot show.
        const turned = { nodes: graph.nodes.toReversed(), edges: graph.edges.toReversed() };
        expect(layoutGraph(turned, direction)).toEqual(layoutGraph(graph, direction));
      }),
      { seed: 6, numRuns: 40 },
    );
  });
});

test('an edge that leads around boxes stays on the drawing', () => {
  const node = (id: string, app: string) => ({
    id,
    kind: 'workload' as const,
    namespace: 'shop',
    app,
    version: 'v1',
    label: app,
    inRate: 1,
    outRate: 1,
    flags: [],
  });
  const edge = (from: string, to: string) => ({ from, to, rate: 1, percent: 100, errorPercent: 0 });
  const graph: TrafficGraph = {
    nodes: ['a', 'b', 'c', 'd', 'e'].map((id) => node(id, id)),
    edges: [edge('a', 'b'), edge('b', 'c'), edge('b', 'd'), edge('c', 'e'), edge('d', 'e'), edge('a', 'e')],
  };
  const { top, height, edges } = layoutGraph(graph, 'LR');
  const ys = edges.flatMap(({ path }) => [...path.matchAll(/-?[\d.]+ (-?[\d.]+)/g)].map(([, y]) => Number(y)));
  expect(Math.min(...ys)).toBeGreaterThanOrEqual(top);
  expect(Math.max(...ys)).toBeLessThanOrEqual(top + height);
});
