import type { Choice } from '../../mesh/choice.js';
import { attributed, type GoodObservation, goodObservation, versionTotal } from '../tallies.js';
import type { Granularity, Look } from '../types.js';
import { amount, counted, percent } from '../words.js';
import { stickiness } from './agreement.js';
import type { Dispersion } from './dispersion.js';
import { freshConnectionsFor } from './fresh.js';

/** Answers of the client that suffice to know that its calls pass the source proxy as connections, not requests. */
const SILENT_CALLS = 50;

/**
 * For what a version is drawn: the first question, since a share judged on requests means nothing when whole connections or clients are
 * drawn. What is seen beats what the objects say; without either the unit is not observable, and that is said.
 */
export function granularityOf(asked: Asked, look: Look, dispersion: Dispersion): Granularity {
  const known = unitOf(asked, look, dispersion);
  const fresh = freshConnectionsFor(known, asked.choice, asked.from);
  return fresh ? { ...known, fresh } : known;
}

export interface Asked {
  /** What the objects compile to; undefined: they are not known. */
  readonly choice: Choice | undefined;
  /** The workload that calls; undefined: the load calls the Service itself. */
  readonly from: string | undefined;
  /** Whose draws are looked at. */
  readonly version: string;
  /** Probability of taking independent draws for others. */
  readonly alpha: number;
}

type Unit = Omit<Granularity, 'fresh'>;

function unitOf(asked: Asked, look: Look, dispersion: Dispersion): Unit {
  const { choice, alpha } = asked;
  return (
    fromSeries(look) ??
    fromConnections(asked, look) ??
    fromObjects(choice) ??
    fromDispersion(dispersion, alpha) ?? {
      unit: 'unknown',
      evidence: 'none',
      sentence: `For what a version is drawn (request, connection, client) is not observable here${choice ? `: ${choice.why}` : ''}; the shares are judged as if every request were drawn.`,
    }
  );
}

/** A proxy that forwards TCP counts connections, and no request. */
function fromSeries(look: Look): Unit | undefined {
  const source = goodObservation(look, 'source');
  const client = goodObservation(look, 'client');
  if (!source?.connections || attributed(source.counts) + source.counts.unknown.total > 0) return undefined;
  const answers = client ? attributed(client.counts) + client.counts.unmarked : 0;
  const opened = Object.values(source.connections).reduce((sum, count) => sum + count, 0);
  if (opened === 0 && answers < SILENT_CALLS) return undefined;
  return {
    unit: 'connection',
    evidence: 'series',
    sentence: `The version is drawn per connection: the source proxy counts connections to the service (${amount(opened)} opened), and no request.`,
  };
}

/** The load's own connections: they refute independent draws anywhere, and confirm them only where they end at the proxy that draws. */
function fromConnections({ choice, from, version, alpha }: Asked, look: Look): Unit | undefined {
  const client = goodObservation(look, 'client');
  if (!client?.clientConnections) return undefined;
  const { pairs, agreeing } = client.clientConnections;
  const seen = { k: versionTotal(client.counts, version), n: attributed(client.counts) };
  const { verdict, most } = stickiness({ pairs, agreeing }, seen, alpha);
  const said = `${amount(agreeing)} of ${counted(pairs, 'pairs')} of consecutive answers on one connection agree`;
  // Where the objects say as much, they also say why.
  if (verdict === 'sticky' && choice?.unit !== 'connection' && choice?.unit !== 'key') {
    return {
      unit: 'connection',
      evidence: 'connections',
      sentence: `The version is drawn per connection, not per request: ${said}, where independent draws agree in at most ${percent(most)}.`,
    };
  }
  // At the Service itself something may stand that draws for every request, whatever kube-proxy would do.
  if (verdict === 'drawn' && (from === undefined || (choice?.gateway && choice.unit === 'unknown'))) {
    return { unit: 'request', evidence: 'connections', sentence: `The version is drawn per request: only ${said}.` };
  }
  return undefined;
}

function fromObjects(choice: Choice | undefined): Unit | undefined {
  switch (choice?.unit) {
    case undefined:
    case 'unknown':
      return undefined;
    case 'none':
      return { unit: 'request', evidence: 'objects', sentence: `Only one version can be reached: ${choice.why}.` };
    case 'request':
      return { unit: 'request', evidence: 'objects', sentence: `The version is drawn per request: ${choice.why}.` };
    case 'connection':
      return {
        unit: 'connection',
        evidence: 'objects',
        sentence: `The version is drawn per connection: ${choice.why}.`,
      };
    case 'key':
      return { unit: 'client', evidence: 'objects', sentence: `The version is drawn per client: ${choice.why}.` };
  }
}

function fromDispersion(dispersion: Dispersion, alpha: number): Unit | undefined {
  const { ratio } = dispersion;
  if (ratio === undefined || dispersion.lnOver < Math.log(1 / alpha)) return undefined;
  return {
    unit: 'group',
    evidence: 'dispersion',
    sentence: `The version is not drawn per request: its counts per look vary ${times(ratio)} as much as those of independent draws, so requests stay together, or the share changed meanwhile.`,
  };
}

/** `0.2 times`, `12 times`. */
export const times = (ratio: number): string =>
  `${ratio < 10 ? ratio.toFixed(ratio < 1 ? 2 : 1) : Math.round(ratio)} times`;

/** Connections by version where whole ones are drawn and the vantage point counts them; undefined where it does not. */
export function connectionCounts(
  { unit, fresh }: Granularity,
  observation: GoodObservation,
): Readonly<Record<string, number>> | undefined {
  if (unit !== 'connection') return undefined;
  if (observation.vantagePoint === 'source') return observation.connections;
  return observation.vantagePoint === 'client' && fresh?.helps ? observation.clientConnections?.first : undefined;
}
