import type { GraphEdge, GraphNode, Protocol } from './nodes.js';

/** One rate of Kiali's protocol tables and what it means for the derived percentages. */
interface RateName {
  readonly name: string;
  readonly isError?: boolean;
}

export interface ProtocolRates {
  readonly protocol: Protocol;
  readonly nodeRates: readonly string[];
  readonly out: string;
  /** The first is the total. */
  readonly edgeRates: readonly RateName[];
  /** Names of the percentages on an edge; TCP has none. */
  readonly percentErr?: string;
  readonly percentReq?: string;
}

export const PROTOCOLS: readonly ProtocolRates[] = [
  {
    protocol: 'grpc',
    nodeRates: ['grpcIn', 'grpcInNoResponse', 'grpcInErr', 'grpcOut'],
    out: 'grpcOut',
    edgeRates: [{ name: 'grpc' }, { name: 'grpcNoResponse', isError: true }, { name: 'grpcErr', isError: true }],
    percentErr: 'grpcPercentErr',
    percentReq: 'grpcPercentReq',
  },
  {
    protocol: 'http',
    nodeRates: ['httpIn', 'httpInNoResponse', 'httpIn3xx', 'httpIn4xx', 'httpIn5xx', 'httpOut'],
    out: 'httpOut',
    edgeRates: [
      { name: 'http' },
      { name: 'httpNoResponse', isError: true },
      { name: 'http3xx' },
      { name: 'http4xx', isError: true },
      { name: 'http5xx', isError: true },
    ],
    percentErr: 'httpPercentErr',
    percentReq: 'httpPercentReq',
  },
  { protocol: 'tcp', nodeRates: ['tcpIn', 'tcpOut'], out: 'tcpOut', edgeRates: [{ name: 'tcp' }] },
];

/** Adds one row's rate to both nodes and the edge. */
export function addRate(edge: GraphEdge, value: number, code: string, flags: string, host: string): void {
  // Another protocol's row makes an edge without rates.
  if (!(value > 0) || !PROTOCOLS.some(({ protocol }) => protocol === edge.protocol)) return;
  const { protocol, source, target } = edge;
  add(source.rates, `${protocol}Out`, value);
  add(target.rates, `${protocol}In`, value);
  add(edge.rates, protocol, value);
  addResponse(edge, protocol === 'tcp' ? '-' : code, flags, host, value);
  const kind = responseKind(protocol, code);
  if (kind === undefined) return;
  add(target.rates, `${protocol}In${kind}`, value);
  add(edge.rates, `${protocol}${kind}`, value);
}

/** The suffix under which a response is counted apart; successes are not. */
function responseKind(protocol: Protocol, code: string): string | undefined {
  if (protocol === 'tcp') return undefined;
  if (code === '-') return 'NoResponse';
  if (protocol === 'http') return /^[345]/.test(code) ? `${code[0]}xx` : undefined;
  // Three digits are an HTTP status: the transport failed before gRPC could say anything.
  const failed = code.length === 3 ? /^[45]/.test(code) : code !== '0' && code !== '';
  return failed ? 'Err' : undefined;
}

function addResponse(edge: GraphEdge, code: string, flags: string, host: string, value: number): void {
  const key = code === '' ? '-' : code;
  const detail = edge.responses.get(key) ?? { flags: new Map(), hosts: new Map() };
  edge.responses.set(key, detail);
  if (flags !== '') add(detail.flags, flags, value);
  if (host !== '') add(detail.hosts, host, value);
}

function add(rates: Map<string, number>, name: string, value: number): void {
  rates.set(name, (rates.get(name) ?? 0) + value);
}

/** The source's outgoing rates grow by those of an edge that it takes over. */
export function addOutgoing(node: GraphNode, edge: GraphEdge): void {
  for (const { protocol, out } of PROTOCOLS) {
    const value = edge.rates.get(protocol);
    if (value !== undefined) add(node.rates, out, value);
  }
}

export function resetOutgoing(node: GraphNode): void {
  for (const { out } of PROTOCOLS) node.rates.delete(out);
}

/** Adds everything `from` carries to `to`: several edges reduced to one. */
export function mergeEdge(to: GraphEdge, from: GraphEdge): void {
  // Kiali forgets the unanswered requests here.
  for (const [name, value] of from.rates) if (!name.endsWith('NoResponse')) add(to.rates, name, value);
  for (const [code, { flags, hosts }] of from.responses) {
    for (const [name, value] of flags) addResponse(to, code, name, '', value);
    for (const [name, value] of hosts) addResponse(to, code, '', name, value);
  }
}
