import type { Choice } from '../../mesh/choice.js';
import type { Scenario } from '../../scenario/types.js';
import { assumedPages } from '../assumedLoad.js';
import type { FreshConnections, Granularity } from '../types.js';

/**
 * Connections per second that a load may open for the sake of draws. A closed one keeps its local port for a minute, and of the 28,000 that Linux
 * gives to one server 470 a second would use up all.
 */
const MOST_A_SECOND = 400;

/**
 * Share of the requests that get a connection of their own where that makes them draws: all, unless they are too many; 0..1.
 * @param faster the load is so many times the scenario's.
 */
export function freshShareFor(scenario: Scenario, faster = 1): number {
  const affordable = Math.min(1, MOST_A_SECOND / Math.max(1, assumedPages(scenario) * faster));
  return Math.max(scenario.load.freshConnections ?? 0, affordable);
}

/**
 * What requests on connections of their own would change. They are draws where whole connections are drawn and those are the load's own: at a
 * gateway, at the Service itself, or where the answers on them have shown it. Behind another workload its connections are drawn, which the load
 * cannot renew; and a client that is hashed stays the same on every connection.
 * @param from the workload that calls; undefined: the load calls the Service itself.
 */
export function freshConnectionsFor(
  { unit, evidence }: Omit<Granularity, 'fresh'>,
  choice: Choice | undefined,
  from: string | undefined,
): FreshConnections | undefined {
  switch (unit) {
    case 'request':
    case 'unknown':
      return undefined;
    case 'connection':
      return evidence === 'connections' || choice?.gateway || from === undefined
        ? { helps: true, why: "the load's own connections are what is drawn for, so a request on a new one is a draw" }
        : {
            helps: false,
            why: `what is drawn for are the connections of ${from}, and new ones of the load end before those`,
          };
    case 'client':
      return { helps: false, why: `a new connection ${sameClient(choice)}` };
    case 'group':
      return { helps: false, why: 'what stays together is not known' };
  }
}

/** A sentence with a space before it, where fresh connections change nothing. */
export const uselessFresh = ({ fresh }: Granularity): string =>
  fresh && !fresh.helps ? ` Fresh connections of the load would not help: ${fresh.why}.` : '';

function sameClient(choice: Choice | undefined): string {
  if (!choice?.key) return 'is of the same client';
  const { by, name } = choice.key;
  return by === 'source-ip' ? 'comes from the same address' : `brings the same ${by} ${name}`;
}
