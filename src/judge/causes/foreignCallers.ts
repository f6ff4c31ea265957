import { attributed, goodObservation, versionTotal } from '../tallies.js';
import type { Cause } from '../types.js';
import { amount, counted, list, percent } from '../words.js';
import { surelyAbove, surelyBelow } from './evidence.js';
import { type DiagnosisInput, find } from './objects.js';

/** Fewer requests of others cannot move a share that is judged within points. */
const WORTH_TELLING = 0.02;
const ENOUGH = 20;

/**
 * Requests of other workloads, where they make the split look another one: at the destination and in the graph they count as well. Told where
 * their own split differs from that of the judged calls, or where those are none at all.
 */
export function foreignTraffic(input: DiagnosisInput): Cause[] {
  const { scenario } = input;
  const counts = (goodObservation(input.observations, 'destination') ?? goodObservation(input.observations, 'source'))
    ?.counts;
  if (!counts || scenario.from === undefined) return [];
  const own = attributed(counts) + counts.unknown.total;
  // Callers without a proxy have no name; whether the judged caller is among them is another cause's matter.
  const named = Object.entries(counts.foreign).filter(([name]) => name !== 'unknown.unknown');
  const others = (own === 0 ? named : Object.entries(counts.foreign)).sort(([, a], [, b]) => b - a);
  const total = others.reduce((sum, [, count]) => sum + count, 0);
  const [busiest] = others;
  if (!busiest || total < ENOUGH || total < WORTH_TELLING * (own + total)) return [];
  const version = own === 0 ? undefined : differing(input);
  if (own > 0 && version === undefined) return [];
  const [name] = busiest;
  const dot = name.lastIndexOf('.');
  const [workload, namespace] = [name.slice(0, dot), name.slice(dot + 1)];
  const foreignVersions = counts.foreignVersions ?? {};
  const foreignTotal = Object.values(foreignVersions).reduce((sum, count) => sum + count, 0);
  const split =
    version === undefined ? '' : `, ${percent((foreignVersions[version] ?? 0) / foreignTotal)} of them to ${version}`;
  const object = find(input, 'Deployment', namespace, workload);
  return [
    {
      code: 'FOREIGN_TRAFFIC',
      object: `${object ? 'Deployment' : 'Workload'}/${namespace}/${workload}`,
      field: 'calls',
      found: `${counted(total, 'requests')} of ${list(others.slice(0, 3).map(([each]) => each))}${split}, beside ${amount(own)} of ${scenario.from}`,
      expected: `requests of ${scenario.from} alone`,
      fix:
        own === 0
          ? `Name the workload that really calls as the caller: ${scenario.from} sent nothing in the window.`
          : `Judge the share at the proxies of ${scenario.from}, or keep other callers and tests away: destination proxies and the graph count theirs, too.`,
    },
  ];
}

/** A version whose share among others' requests is surely another one than among the judged ones. */
function differing({ observations, scenario }: DiagnosisInput): string | undefined {
  const counts = (goodObservation(observations, 'destination') ?? goodObservation(observations, 'source'))?.counts;
  const foreign = counts?.foreignVersions;
  if (!counts || !foreign) return undefined;
  const total = Object.values(foreign).reduce((sum, count) => sum + count, 0);
  return Object.keys(scenario.versions).findLast((version) => {
    const share = versionTotal(counts, version) / attributed(counts);
    const theirs = foreign[version] ?? 0;
    return surelyAbove(theirs, total, share + WORTH_TELLING) || surelyBelow(theirs, total, share - WORTH_TELLING);
  });
}
