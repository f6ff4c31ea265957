import { formatPercent } from '../base/units.js';
import type { RouteLine, RouteSummary } from './summary.js';

const SHARE_TOLERANCE = 1e-6;

/**
 * How two summaries of one Service differ, one sentence each; empty: they route alike. Weights are compared as shares, mirrors in any
 * order; what has no influence on where a request goes is not compared.
 * @param wanted what the objects compile to. @param held what a proxy has.
 */
export function sameRoutes(wanted: RouteSummary, held: RouteSummary): string[] {
  const differences: string[] = [];
  if (wanted.routes.length !== held.routes.length) {
    differences.push(`${wanted.service} should have ${routesText(wanted)} and the proxy holds ${routesText(held)}.`);
  } else {
    wanted.routes.forEach((line, index) => {
      const other = held.routes[index];
      if (other) differences.push(...lineDifferences(line, other, index, wanted.gateway !== true));
    });
  }
  for (const cluster of wanted.missing) {
    if (cluster in held.endpoints)
      differences.push(`The proxy still holds cluster ${cluster}, which should not exist.`);
  }
  for (const cluster of held.missing) {
    if (cluster in wanted.endpoints) differences.push(`The proxy does not know cluster ${cluster} yet.`);
  }
  for (const [cluster, endpoints] of Object.entries(wanted.endpoints)) {
    const other = held.endpoints[cluster];
    if (other && other.join() !== endpoints.join()) {
      differences.push(
        `Cluster ${cluster} should have the endpoints ${listText(endpoints)}, the proxy holds ${listText(other)}.`,
      );
    }
  }
  return differences;
}

const routesText = ({ routes }: RouteSummary): string => {
  if (routes.length === 0) return 'no routes';
  const ends = routes.map((line) => clustersText(line)).join('; ');
  return `${routes.length} ${routes.length === 1 ? 'route' : 'routes'} (${ends})`;
};

const listText = (values: readonly string[]): string => (values.length === 0 ? 'none' : values.join(', '));

function clustersText({ clusters, answer }: RouteLine): string {
  if (clusters.length === 0) return answer || 'nothing';
  const sum = clusters.reduce((total, cluster) => total + cluster.weight, 0);
  return clusters.map(({ name, weight }) => `${formatPercent(weight / sum, 4)} ${name}`).join(' + ');
}

function lineDifferences(wanted: RouteLine, held: RouteLine, index: number, ports: boolean): string[] {
  const place = `Route ${index + 1} on port ${wanted.port}`;
  if ((ports && wanted.port !== held.port) || wanted.protocol !== held.protocol) {
    return [`${place} should be ${wanted.protocol}, the proxy holds one on port ${held.port} (${held.protocol}).`];
  }
  const differences: string[] = [];
  const differs = (what: string, a: string, b: string): void => {
    differences.push(`${place} should ${what} ${a || 'nothing'}, the proxy holds ${b || 'nothing'}.`);
  };
  if (wanted.match !== held.match) differs('match', wanted.match || 'every request', held.match || 'every request');
  if (!sameShares(shares(wanted), shares(held)) || wanted.answer !== held.answer) {
    differs('send', clustersText(wanted), clustersText(held));
  }
  if (!sameShares(mirrorShares(wanted), mirrorShares(held))) differs('mirror', mirrorText(wanted), mirrorText(held));
  const [fault, otherFault] = [faultText(wanted), faultText(held)];
  if (fault !== otherFault) differs('inject', fault, otherFault);
  if (wanted.timeoutMs !== held.timeoutMs) differs('time out after', timeoutText(wanted), timeoutText(held));
  if (wanted.retries !== held.retries) differs('retry', `${wanted.retries} times`, `${held.retries}`);
  return differences;
}

type Shares = ReadonlyMap<string, number>;

function shares({ clusters }: RouteLine): Shares {
  const sum = clusters.reduce((total, cluster) => total + cluster.weight, 0);
  return new Map(clusters.map(({ name, weight }) => [name, weight / sum]));
}

function mirrorShares({ mirrors }: RouteLine): Shares {
  const sums = new Map<string, number>();
  for (const { cluster, share } of mirrors) sums.set(cluster, (sums.get(cluster) ?? 0) + share);
  return sums;
}

function sameShares(a: Shares, b: Shares): boolean {
  return (
    a.size === b.size &&
    [...a].every(([name, share]) => Math.abs(share - (b.get(name) ?? Number.NaN)) < SHARE_TOLERANCE)
  );
}

const mirrorText = ({ mirrors }: RouteLine): string =>
  mirrors.map(({ cluster, share }) => `${formatPercent(share, 4)} to ${cluster}`).join(' + ');

const timeoutText = ({ timeoutMs }: RouteLine): string => (timeoutMs === 0 ? 'never' : `${timeoutMs} ms`);

function faultText({ fault: { delay, abort } }: RouteLine): string {
  const parts: string[] = [];
  if (delay) parts.push(`${formatPercent(delay.share, 4)} delay of ${delay.ms} ms`);
  if (abort) parts.push(`${formatPercent(abort.share, 4)} abort with ${abort.status}`);
  return parts.join(' + ');
}
