import type { TrafficGraph } from '../../observe/types.js';
import { decimal, milliseconds } from '../format.js';
import type { StageModel } from '../types.js';
import {
  type Direction,
  layoutGraph,
  NODE_RADIUS,
  type PlacedEdge,
  type PlacedNode,
  TITLE_LENGTH,
} from './graphLayout.js';
import { fill, fillStroke, type Paint, stroke } from './paint.js';
import { Figure } from './parts.js';

type GraphEdge = TrafficGraph['edges'][number];
type GraphNode = TrafficGraph['nodes'][number];

/** Kiali's default tolerances for HTTP 5xx: above 0 % degraded, from 10 % failure. */
function health({ rate, errorPercent }: GraphEdge): { paint: Paint; word: string; width: number } {
  if (rate <= 0) return { paint: 'idle', word: 'idle', width: 2 };
  if (errorPercent >= 10) return { paint: 'bad', word: 'failure', width: 4 };
  if (errorPercent > 0) return { paint: 'warn', word: 'degraded', width: 3 };
  return { paint: 'ok', word: 'healthy', width: 2.5 };
}

/** As Kiali labels request percentages: one decimal, nothing at 0 and 100; there the rate. */
function edgeLabel({ percent, rate }: GraphEdge): string {
  if (percent > 0 && percent < 100) return `${decimal(percent, 1)}%`;
  return rate > 0 ? `${decimal(rate, rate < 10 ? 2 : 0)}rps` : '';
}

const errorLabel = ({ errorPercent }: GraphEdge): string =>
  errorPercent > 0 ? `${decimal(errorPercent, errorPercent < 1 ? 1 : 0)}%err` : '';

/** The name that tells a node apart in words. */
const nodeName = ({ kind, app, label, version }: GraphNode): string =>
  kind === 'service' ? `${label} (service)` : app && version ? `${app} ${version}` : label || app || 'unknown';

/** Version labels that the stage mirrors to, so that their edges can be told from answered ones. */
function mirroredTo(stage: StageModel, versions: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const names = Object.entries(stage.stage.expect.mirror ?? {}).filter(([, share]) => share > 0);
  return new Set(names.flatMap(([name]) => [name, ...Object.values(versions[name] ?? {})]));
}

interface Props {
  readonly stage: StageModel;
  readonly id: string;
  readonly service: string;
  readonly versions: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The versioned app graph in Kiali's vocabulary, once lying and once standing for narrow screens, and as a table. */
export function GraphFigure({ stage, id, service, versions }: Props) {
  const { graph } = stage;
  if (!graph) return null;
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const mirrored = mirroredTo(stage, versions);
  const isMirror = (edge: GraphEdge) => {
    const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)];
    return (
      to !== undefined &&
      mirrored.has(to.version) &&
      (to.app === service || from?.label === service || from?.app === service)
    );
  };
  const name = (nodeId: string) => {
    const node = nodes.get(nodeId);
    return node ? nodeName(node) : nodeId;
  };
  const table = (
    <table>
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col">Requests/s</th>
          <th scope="col">Share</th>
          <th scope="col">Errors</th>
          <th scope="col">Response time</th>
        </tr>
      </thead>
      <tbody>
        {graph.edges.map((edge) => (
          <tr key={`${edge.from} ${edge.to}`}>
            <td>{name(edge.from)}</td>
            <td>
              {name(edge.to)}
              {isMirror(edge) ? ' (mirror)' : ''}
            </td>
            <td class="num">{decimal(edge.rate, 2)}</td>
            <td class="num">{decimal(edge.percent, 1)} %</td>
            <td class="num">{decimal(edge.errorPercent, 1)} %</td>
            <td class="num">{edge.responseTime === undefined ? '–' : milliseconds(edge.responseTime)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
  return (
    <Figure
      id={id}
      title="Traffic graph"
      note="As the mesh's own graph shows it: triangle service, square version; labels are the share of the source's requests."
      table={table}
      wide
    >
      <Drawing graph={graph} id={`${id}-lr`} direction="LR" isMirror={isMirror} />
      <Drawing graph={graph} id={`${id}-tb`} direction="TB" isMirror={isMirror} />
    </Figure>
  );
}

interface DrawingProps {
  readonly graph: TrafficGraph;
  readonly id: string;
  readonly direction: Direction;
  readonly isMirror: (edge: GraphEdge) => boolean;
}

function Drawing({ graph, id, direction, isMirror }: DrawingProps) {
  const { left, top, width, height, boxes, nodes, edges } = layoutGraph(graph, direction);
  // The standing drawing is shown smaller, its text must stay readable.
  const more = direction === 'TB' ? 2 : 0;
  return (
    <div class={direction === 'LR' ? 'lying' : 'standing'}>
      <svg
        viewBox={`${left} ${top} ${width} ${height}`}
        width={width}
        height={height}
        role="img"
        aria-label={`Traffic graph with ${graph.nodes.length} nodes and ${graph.edges.length} edges; the table holds the same.`}
      >
        <defs>
          {(['ok', 'warn', 'bad', 'idle'] as const).map((paint) => (
            <marker
              key={paint}
              id={`${id}-${paint}`}
              viewBox="0 0 10 10"
              refX="6"
              refY="5"
              markerWidth="11"
              markerHeight="11"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0 0L10 5L0 10Z" {...fill(paint)} />
            </marker>
          ))}
        </defs>
        {boxes.map((box) => (
          <g key={`${box.namespace}/${box.app}`}>
            <rect x={box.x} y={box.y} width={box.width} height={box.height} rx="10" {...fillStroke('idlebg', 'line')} />
            <rect x={box.x + 9} y={box.y + 8} width="16" height="16" rx="8" {...fill('info')} />
            <text x={box.x + 17} y={box.y + 20} text-anchor="middle" font-size="10" font-weight="700" {...fill('card')}>
              A
            </text>
            <text x={box.x + 31} y={box.y + 20.5} font-size={12.5 + more} font-weight="600" {...fill('ink')}>
              {shorten(box.app, TITLE_LENGTH[direction])}
            </text>
          </g>
        ))}
        {edges.map((placed) => (
          <EdgeLine key={placed.path} placed={placed} id={id} mirror={isMirror(placed.edge)} />
        ))}
        {nodes.map((placed) => (
          <NodeShape key={placed.node.id} placed={placed} fontSize={11.5 + more} />
        ))}
        {edges.map((placed) => (
          <EdgeText key={placed.path} placed={placed} mirror={isMirror(placed.edge)} fontSize={11.5 + more} />
        ))}
      </svg>
    </div>
  );
}

function EdgeLine({ placed, id, mirror }: { placed: PlacedEdge; id: string; mirror: boolean }) {
  const { paint, width } = health(placed.edge);
  return (
    <path
      d={placed.path}
      stroke-width={width}
      marker-end={`url(#${id}-${paint})`}
      {...(mirror && { 'stroke-dasharray': '4 3' })}
      {...stroke(paint)}
    />
  );
}

function EdgeText({ placed, mirror, fontSize }: { placed: PlacedEdge; mirror: boolean; fontSize: number }) {
  const { edge, labelX, labelY } = placed;
  const lines = [edgeLabel(edge), mirror ? 'mirror' : '', errorLabel(edge)].filter(Boolean);
  return (
    <>
      {lines.map((line, index) => (
        <text
          key={line}
          x={labelX}
          y={labelY + 4 + (index - (lines.length - 1) / 2) * 14}
          text-anchor="middle"
          font-size={fontSize}
          font-weight="600"
          paint-order="stroke"
          stroke-width="4"
          stroke-linejoin="round"
          {...fillStroke(line === errorLabel(edge) ? health(edge).paint : 'ink', 'card')}
        >
          {line}
        </text>
      ))}
    </>
  );
}

function NodeShape({ placed, fontSize }: { placed: PlacedNode; fontSize: number }) {
  const { node, shape, x, y } = placed;
  const r = NODE_RADIUS;
  const idle = node.inRate <= 0 && node.outRate <= 0;
  const look = fillStroke('card', idle ? 'idle' : 'info');
  const label = node.kind === 'service' ? '' : shape !== 'circle' ? node.version : node.label || node.app || 'unknown';
  return (
    <g>
      <title>{nodeName(node)}</title>
      {shape === 'square' && (
        <rect x={x - r} y={y - r} width={2 * r} height={2 * r} rx="3" stroke-width="2" {...look} />
      )}
      {shape === 'circle' && <circle cx={x} cy={y} r={r} stroke-width="2" {...look} />}
      {shape === 'triangle' && (
        <path
          d={`M${x} ${y - r}L${x + r} ${y + r * 0.8}L${x - r} ${y + r * 0.8}Z`}
          stroke-width="2"
          stroke-linejoin="round"
          {...look}
        />
      )}
      {label && (
        <text x={x} y={y + r + 14} text-anchor="middle" font-size={fontSize} {...fill('muted')}>
          {shorten(label, 12)}
        </text>
      )}
    </g>
  );
}

const shorten = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
