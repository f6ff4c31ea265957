import { REGION, SUBZONE, ZONE } from './localities.js';
import { isRecord, number, record, records, text, texts } from './read.js';
import type { Refuse } from './refusals.js';

const TOPOLOGY = new Set([REGION, ZONE, SUBZONE]);

/** What Istio's webhook refuses of a `localityLbSetting`. */
export function refuseLocalityLbSetting(value: unknown, field: string, refuse: Refuse): void {
  if (!isRecord(value)) return;
  const distribute = records(value.distribute);
  const failover = records(value.failover);
  if (distribute.length > 0 && failover.length > 0) {
    refuse(field, 'distribute and failover exclude each other');
    return;
  }
  const label = texts(value.failoverPriority).find((each) => TOPOLOGY.has(each));
  if (failover.length > 0 && label !== undefined) {
    refuse(`${field}.failoverPriority`, `the topology label ${label} and failover exclude each other`);
    return;
  }
  for (const [index, { to }] of distribute.entries()) {
    const place = `${field}.distribute[${index}].to`;
    const weights = Object.values(record(to)).map((weight) => number(weight) ?? 0);
    const wrong = weights.find((weight) => weight <= 0 || weight > 100);
    const sum = weights.reduce((all, weight) => all + weight, 0);
    if (wrong !== undefined) refuse(place, `found the weight ${wrong}, allowed is 1 to 100`);
    else if (sum !== 100) refuse(place, `the weights sum to ${sum}, they must sum to 100`);
    refuseLocalities(Object.keys(record(to)), place, refuse);
  }
  refuseLocalities(
    distribute.map(({ from }) => text(from) ?? ''),
    `${field}.distribute`,
    refuse,
  );
  failover.forEach((entry, index) => {
    const [from, to] = [text(entry.from) ?? '', text(entry.to) ?? ''];
    const place = `${field}.failover[${index}]`;
    if (from === to) refuse(place, 'from and to must be different regions');
    if (/[/*]/.test(from + to)) refuse(place, `${from} and ${to} must be regions, without zones or *`);
  });
}

function refuseLocalities(localities: readonly string[], field: string, refuse: Refuse): void {
  localities.forEach((locality, index) => {
    const parts = partsOf(locality);
    if (/\*./.test(locality)) refuse(field, `${locality}: only one * is allowed, at the end`);
    else if (parts.includes('')) refuse(field, `\`${locality}\` has an empty region, zone or subzone`);
    else if (localities.slice(0, index).some((other) => holds(partsOf(other), parts)))
      refuse(field, `${locality} overlaps with an earlier locality`);
  });
}

const partsOf = (locality: string): string[] => {
  const [region = '', zone, ...rest] = locality.split('/');
  return [region, ...(zone === undefined ? [] : [zone]), ...(rest.length > 0 ? [rest.join('/')] : [])];
};

/** Whether one of the two is a part of the other; the later one's `*` is not looked at. */
const holds = (earlier: readonly string[], later: readonly string[]): boolean => {
  for (let index = 0; index < Math.min(earlier.length, later.length); index++) {
    if (earlier[index] === '*') return true;
    if (earlier[index] !== later[index]) return false;
  }
  return true;
};
