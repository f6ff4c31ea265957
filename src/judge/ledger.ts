import type { Scenario, Stage, WatchedPoint } from '../scenario/types.js';
import { arrivalsOf, EDGES_MS, unsettled } from './arrivals.js';
import { attributed, type GoodObservation, goodObservation, observationOf, versionTotal } from './tallies.js';
import type { Ledger, LedgerLine, LedgerPart, Look } from './types.js';
import { amount, counted, list, POINT_NAMES, percent } from './words.js';

/**
 * Explains every request of the load at every vantage point. Each line says which other counts it is made of; what nothing explains is its
 * residual (positive: too many, negative: too few), never an invented story.
 * @param gateway the caller is a gateway, whose proxy counts nothing of what it receives.
 */
export function ledgerOf(scenario: Scenario, stage: Stage, look: Look, gateway = false): Ledger {
  const books: Books = {
    scenario,
    stage,
    look,
    gateway,
    versions: Object.keys(scenario.versions),
    client: goodObservation(look, 'client'),
    source: goodObservation(look, 'source'),
    destination: goodObservation(look, 'destination'),
    graph: goodObservation(look, 'graph'),
  };
  const lines = [...clientLines(books), ...sourceLines(books), ...destinationLines(books), ...graphLines(books)].map(
    (each) => ranged(each, look),
  );
  const watched = (['client', 'source', 'destination', 'graph'] as const).filter(
    (point) => scenario.watch[point] !== 'off',
  );
  const allRead = watched.every((point) => observationOf(look, point)?.status === 'ok');
  return { lines, closed: look.settled && allRead && lines.length > 0 && lines.every((line) => line.residual === 0) };
}

interface Books {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly look: Look;
  readonly gateway: boolean;
  readonly versions: readonly string[];
  readonly client: GoodObservation | undefined;
  readonly source: GoodObservation | undefined;
  readonly destination: GoodObservation | undefined;
  readonly graph: GoodObservation | undefined;
}

type OpenLine = Omit<LedgerLine, 'residualRange'>;

const line = (
  vantagePoint: WatchedPoint,
  account: string,
  count: number,
  explanation = '',
  residual = 0,
  parts: readonly LedgerPart[] = [],
): OpenLine => ({ vantagePoint, account, count, explanation, parts, residual: residual === 0 ? 0 : residual });

const exactly = (what: LedgerPart['what'], count: number): LedgerPart => ({ what, count, low: count, high: count });

/** The client counts as answers end and the graph's rates have a tolerance of their own; between proxies scrapes lie apart. */
function ranged(each: OpenLine, look: Look): LedgerLine {
  const slack = each.vantagePoint === 'client' ? 0 : unsettled(look, each.count);
  return { ...each, residualRange: { low: each.residual - slack, high: each.residual + slack } };
}

/** True when an account holds more, or fewer, than anything that was counted can explain. */
export const contradicts = ({ residualRange: { low, high } }: LedgerLine): boolean => low > 0 || high < 0;

function clientLines({ client, versions, look }: Books): OpenLine[] {
  if (!client) return [];
  const { sent, unmarked, failed } = client.counts;
  const parts = versions.map((version) => ({ version, count: versionTotal(client.counts, version) }));
  const ended = parts.reduce((sum, part) => sum + part.count, 0) + unmarked + failed;
  // The load is paused for the settled look, and nothing is in flight then.
  const inFlight = look.settled ? 0 : Math.max(0, sent - ended);
  const explanation = list([
    ...parts.map((part) => `${amount(part.count)} answers from ${part.version}`),
    `${amount(unmarked)} unmarked`,
    `${amount(failed)} failed`,
    ...(inFlight > 0 ? [`${amount(inFlight)} in flight`] : []),
  ]);
  const named = [exactly('answers', ended), exactly('in flight', inFlight)];
  return [
    line('client', 'requests sent', sent, explanation, sent - ended - inFlight, named),
    ...parts.map((part) => line('client', `answers from ${part.version}`, part.count)),
    line('client', 'unmarked answers', unmarked),
    line('client', 'failed answers', failed),
  ];
}

function sourceLines({ client, source, scenario, versions }: Books): OpenLine[] {
  if (!source) return [];
  const { counts } = source;
  const calls = attributed(counts) + counts.unknown.total;
  const versionLines = versions.map((version) => {
    const count = versionTotal(counts, version);
    if (!client) return line('source', `calls to ${version}`, count);
    const answers = versionTotal(client.counts, version);
    return line(
      'source',
      `calls to ${version}`,
      count,
      `${amount(answers)} behind answers from ${version}, ${amount(Math.max(0, count - answers))} behind other pages or repeated by the application`,
      Math.min(0, count - answers),
      [exactly('answers', answers), exactly('other pages', Math.max(0, count - answers))],
    );
  });
  const responses = Object.entries(counts.responses)
    .filter(([key]) => !key.startsWith('2'))
    .map(([key, count]) => `${key.replace(/ -$/, '')}: ${amount(count)}`);
  const marked = client ? attributed(client.counts) : 0;
  const rest = client
    ? `${amount(marked)} behind marked answers, ${amount(Math.max(0, calls - marked))} behind unmarked pages, failed pages and the application's own retries`
    : '';
  return [
    line(
      'source',
      `calls by ${scenario.from}`,
      calls,
      rest,
      client ? Math.min(0, calls - marked) : 0,
      client ? [exactly('answers', marked), exactly('other pages', Math.max(0, calls - marked))] : [],
    ),
    ...versionLines,
    ...(counts.unknown.total > 0
      ? [line('source', 'calls that reached no version', counts.unknown.total, list(responses))]
      : []),
    ...foreignLines('source', source),
  ];
}

function foreignLines(point: WatchedPoint, { counts }: GoodObservation): OpenLine[] {
  const count = Object.values(counts.foreign).reduce((sum, each) => sum + each, 0);
  if (count === 0) return [];
  const callers = list(Object.keys(counts.foreign));
  return [line(point, 'requests of other workloads', count, callers, 0, [exactly('foreign callers', count)])];
}

function destinationLines(books: Books): OpenLine[] {
  const { client, destination, gateway, scenario, versions } = books;
  if (!destination) return [];
  const { unknown } = destination.counts;
  const direct = scenario.from === undefined;
  const received = direct ? attributed(destination.counts) + unknown.total : destination.frontDoor;
  const front =
    received !== undefined && client && !gateway
      ? [
          line(
            'destination',
            `requests received by ${scenario.from ?? scenario.service}`,
            received,
            `${amount(client.counts.sent)} sent by the client`,
            received - client.counts.sent,
          ),
        ]
      : [];
  return [
    ...front,
    ...versions.flatMap((version) => versionAtDestination(books, version)),
    ...(unknown.total > 0
      ? [
          line(
            'destination',
            'requests to no known version',
            unknown.total,
            'received by a pod with other labels',
            unknown.total,
          ),
        ]
      : []),
    ...foreignLines('destination', destination),
  ];
}

/** received = calls + attempts that the source proxy repeated - calls that failed on their way + mirror copies. */
function versionAtDestination({ source, destination, stage }: Books, version: string): OpenLine[] {
  if (!destination) return [];
  const account = `requests to ${version}`;
  if (!source) return [line('destination', account, versionTotal(destination.counts, version))];
  const { received, calls, retries, neverReached, copies, residual } = arrivalsOf(stage, source, destination, version);
  const parts = [exactly('calls', calls), retries, neverReached, ...(copies ? [copies] : [])];
  if (copies) {
    const explanation = `${amount(calls)} calls of the source proxy and ${amount(copies.count)} mirror copies`;
    return [
      line('destination', account, received, explanation, 0, parts),
      copiesLine(version, copies, residual, attributed(source.counts), stage.expect.mirror?.[version] ?? 0),
    ];
  }
  const explanation = list([
    `${amount(calls)} calls of the source proxy`,
    ...(retries.count > 0
      ? [`${counted(retries.count, 'attempts')} that failed and were repeated by the source proxy`]
      : []),
    ...(neverReached.count > 0 ? [`less ${counted(neverReached.count, 'calls')} that failed before they arrived`] : []),
  ]);
  return [line('destination', account, received, explanation, residual, parts)];
}

function copiesLine(
  version: string,
  copies: LedgerPart,
  residual: number,
  primaries: number,
  promised: number,
): OpenLine {
  const ofPrimaries =
    promised === 1
      ? `one for each of ${counted(primaries, 'primary calls')}`
      : `${percent(primaries === 0 ? 0 : copies.count / primaries)} of ${counted(primaries, 'primary calls')}, ${percent(promised)} promised`;
  return line('destination', `mirror copies to ${version}`, copies.count, ofPrimaries, residual, [copies]);
}

/**
 * The graph shows rates, not counts: it accounts for the versions' proportions, as the source or as the destination proxies see them. It may draw
 * the calls of other workloads to the service too.
 */
function graphLines(books: Books): OpenLine[] {
  const { graph, source, destination, versions } = books;
  if (!graph) return [];
  const accounts = [source, destination].flatMap((reference) =>
    reference
      ? [false, true]
          .filter((foreign) => !foreign || reference.counts.foreignVersions !== undefined)
          .map((foreign) => graphAgainst(books, graph, reference, foreign))
      : [],
  );
  const left = (lines: readonly OpenLine[]) => lines.reduce((sum, each) => sum + Math.abs(each.residual), 0);
  const [first, ...others] = accounts;
  if (!first) {
    return versions.map((version) =>
      line('graph', `requests to ${version}`, Math.round(versionTotal(graph.counts, version))),
    );
  }
  return others.reduce((best, each) => (left(each) < left(best) ? each : best), first);
}

function graphAgainst(
  { versions, look }: Books,
  graph: GoodObservation,
  reference: GoodObservation,
  withForeign: boolean,
): OpenLine[] {
  const foreignOf = (version: string) => (withForeign ? (reference.counts.foreignVersions?.[version] ?? 0) : 0);
  const total = attributed(reference.counts) + versions.reduce((sum, version) => sum + foreignOf(version), 0);
  const stretch = total === 0 ? 0 : attributed(graph.counts) / total - 1;
  // The window's last second is rounded up, which is traffic-free when the look is settled.
  const limit = graph.extrapolation ?? EDGES_MS / look.at;
  const plausible = Math.abs(stretch) <= limit ? stretch : 0;
  return versions.map((version) => {
    const count = versionTotal(graph.counts, version);
    const foreign = foreignOf(version);
    const own = versionTotal(reference.counts, version) + foreign;
    const expected = own * (1 + plausible);
    // Series are stretched one by one: one that begins in the window may be off by the limit while the others, and so the sum, are not.
    const tolerance = graph.rounding + Math.max(graph.extrapolation ?? 0, Math.abs(plausible)) * own;
    const others = foreign > 0 ? ` (${amount(foreign)} of them of other workloads)` : '';
    const explanation = `${amount(own)} counted at ${POINT_NAMES[reference.vantagePoint]}${others}, as rates over a window that reads ${percent(Math.abs(plausible))} ${plausible < 0 ? 'less' : 'more'}, ± ${amount(Math.ceil(graph.rounding))} by rounding`;
    const within = Math.abs(count - expected) <= tolerance;
    const parts = [exactly('calls', own - foreign), ...(foreign > 0 ? [exactly('foreign callers', foreign)] : [])];
    const residual = within ? 0 : Math.round(count - expected);
    return line('graph', `requests to ${version}`, Math.round(count), explanation, residual, parts);
  });
}
