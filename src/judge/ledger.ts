import type { Scenario, Stage, WatchedPoint } from '../scenario/types.js';
import {
  attributed,
  type GoodObservation,
  goodObservation,
  observationOf,
  versionFailed,
  versionTotal,
} from './tallies.js';
import type { Ledger, LedgerLine, Look } from './types.js';
import { amount, counted, list, POINT_NAMES, percent } from './words.js';

/**
 * Explains every request of the load at every vantage point. Each line says which other counts it is made of; what nothing explains is its
 * residual (positive: too many, negative: too few), never an invented story.
 */
export function ledgerOf(scenario: Scenario, stage: Stage, look: Look): Ledger {
  const books: Books = {
    scenario,
    stage,
    versions: Object.keys(scenario.versions),
    windowMs: look.at,
    client: goodObservation(look, 'client'),
    source: goodObservation(look, 'source'),
    destination: goodObservation(look, 'destination'),
    graph: goodObservation(look, 'graph'),
  };
  const lines = [...clientLines(books), ...sourceLines(books), ...destinationLines(books), ...graphLines(books)];
  const watched = (['client', 'source', 'destination', 'graph'] as const).filter(
    (point) => scenario.watch[point] !== 'off',
  );
  const allRead = watched.every((point) => observationOf(look, point)?.status === 'ok');
  return { lines, closed: look.settled && allRead && lines.length > 0 && lines.every((line) => line.residual === 0) };
}

interface Books {
  readonly scenario: Scenario;
  readonly stage: Stage;
  readonly versions: readonly string[];
  readonly windowMs: number;
  readonly client: GoodObservation | undefined;
  readonly source: GoodObservation | undefined;
  readonly destination: GoodObservation | undefined;
  readonly graph: GoodObservation | undefined;
}

const line = (
  vantagePoint: WatchedPoint,
  account: string,
  count: number,
  explanation = '',
  residual = 0,
): LedgerLine => ({ vantagePoint, account, count, explanation, residual: residual === 0 ? 0 : residual });

function clientLines({ client, versions }: Books): LedgerLine[] {
  if (!client) return [];
  const { sent, unmarked, failed } = client.counts;
  const parts = versions.map((version) => ({ version, count: versionTotal(client.counts, version) }));
  const ended = parts.reduce((sum, part) => sum + part.count, 0) + unmarked + failed;
  const explanation = list([
    ...parts.map((part) => `${amount(part.count)} answers from ${part.version}`),
    `${amount(unmarked)} unmarked`,
    `${amount(failed)} failed`,
  ]);
  return [
    line('client', 'requests sent', sent, explanation, sent - ended),
    ...parts.map((part) => line('client', `answers from ${part.version}`, part.count)),
    line('client', 'unmarked answers', unmarked),
    line('client', 'failed answers', failed),
  ];
}

function sourceLines({ client, source, scenario, versions }: Books): LedgerLine[] {
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
    line('source', `calls by ${scenario.from}`, calls, rest, client ? Math.min(0, calls - marked) : 0),
    ...versionLines,
    ...(counts.unknown.total > 0
      ? [line('source', 'calls that reached no version', counts.unknown.total, list(responses))]
      : []),
    ...foreignLines('source', source),
  ];
}

function foreignLines(point: WatchedPoint, { counts }: GoodObservation): LedgerLine[] {
  const count = Object.values(counts.foreign).reduce((sum, each) => sum + each, 0);
  return count > 0 ? [line(point, 'requests of other workloads', count, list(Object.keys(counts.foreign)))] : [];
}

function destinationLines(books: Books): LedgerLine[] {
  const { client, destination, scenario, versions } = books;
  if (!destination) return [];
  const front =
    destination.frontDoor !== undefined && client
      ? [
          line(
            'destination',
            `requests received by ${scenario.from}`,
            destination.frontDoor,
            `${amount(client.counts.sent)} sent by the client`,
            destination.frontDoor - client.counts.sent,
          ),
        ]
      : [];
  const { unknown } = destination.counts;
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

/** received = calls + mirror copies + attempts that the source proxy repeated - calls that failed on their way. */
function versionAtDestination({ source, destination, stage }: Books, version: string): LedgerLine[] {
  if (!destination) return [];
  const received = versionTotal(destination.counts, version);
  const account = `requests to ${version}`;
  if (!source) return [line('destination', account, received)];
  const calls = versionTotal(source.counts, version);
  const promised = stage.expect.mirror?.[version];
  if (promised !== undefined) return mirrored(version, received, calls, attributed(source.counts), promised);
  const failedHere = versionFailed(destination.counts, version);
  const failedThere = versionFailed(source.counts, version);
  const surplus = received - calls;
  const retries = Math.min(Math.max(0, surplus), Math.max(0, failedHere - failedThere));
  const lost = Math.min(Math.max(0, -surplus), Math.max(0, failedThere - failedHere));
  const explanation = list([
    `${amount(calls)} calls of the source proxy`,
    ...(retries > 0 ? [`${counted(retries, 'attempts')} that failed and were repeated by the source proxy`] : []),
    ...(lost > 0 ? [`less ${counted(lost, 'calls')} that failed before they arrived`] : []),
  ]);
  return [line('destination', account, received, explanation, surplus - retries + lost)];
}

function mirrored(version: string, received: number, calls: number, primaries: number, promised: number): LedgerLine[] {
  const copies = received - calls;
  const ofPrimaries =
    promised === 1
      ? `one for each of ${counted(primaries, 'primary calls')}`
      : `${percent(primaries === 0 ? 0 : copies / primaries)} of ${counted(primaries, 'primary calls')}, ${percent(promised)} promised`;
  // A partial mirror is drawn by chance: between none and all nothing is left over.
  const excess = promised === 1 ? copies - primaries : Math.min(0, copies) + Math.max(0, copies - primaries);
  return [
    line(
      'destination',
      `requests to ${version}`,
      received,
      `${amount(calls)} calls of the source proxy and ${amount(copies)} mirror copies`,
    ),
    line('destination', `mirror copies to ${version}`, copies, ofPrimaries, excess),
  ];
}

/**
 * What the edges of a window can add to the graph's rates where the scrape interval is not known, in ms of traffic: `rate()` extends every
 * series by up to about one interval at each end, and 15 s is Prometheus' usual one.
 */
const EDGES_MS = 30_000;

/** The graph shows rates, not counts: it accounts for the versions' proportions, as the source or as the destination proxies see them. */
function graphLines(books: Books): LedgerLine[] {
  const { graph, source, destination, versions } = books;
  if (!graph) return [];
  const accounts = [source, destination].flatMap((reference) =>
    reference ? [graphAgainst(books, graph, reference)] : [],
  );
  const left = (lines: readonly LedgerLine[]) => lines.reduce((sum, each) => sum + Math.abs(each.residual), 0);
  const [first, second] = accounts;
  if (!first) {
    return versions.map((version) =>
      line('graph', `requests to ${version}`, Math.round(versionTotal(graph.counts, version))),
    );
  }
  return second && left(second) < left(first) ? second : first;
}

function graphAgainst({ versions, windowMs }: Books, graph: GoodObservation, reference: GoodObservation): LedgerLine[] {
  const total = attributed(reference.counts);
  const stretch = total === 0 ? 0 : attributed(graph.counts) / total - 1;
  // The window's last second is rounded up, which is traffic-free when the look is settled.
  const limit = graph.extrapolation ?? EDGES_MS / windowMs;
  const plausible = Math.abs(stretch) <= limit ? stretch : 0;
  return versions.map((version) => {
    const count = versionTotal(graph.counts, version);
    const counted = versionTotal(reference.counts, version);
    const expected = counted * (1 + plausible);
    // Series are stretched one by one: each may be off by as much as all are together.
    const tolerance = graph.rounding + Math.abs(plausible) * counted;
    const explanation = `${amount(counted)} counted at ${POINT_NAMES[reference.vantagePoint]}, as rates over a window that reads ${percent(Math.abs(plausible))} ${plausible < 0 ? 'less' : 'more'}, ± ${amount(Math.ceil(graph.rounding))} by rounding`;
    const within = Math.abs(count - expected) <= tolerance;
    return line(
      'graph',
      `requests to ${version}`,
      Math.round(count),
      explanation,
      within ? 0 : Math.round(count - expected),
    );
  });
}
