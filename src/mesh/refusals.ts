import { type Fields, list, record, records } from './read.js';
import { compileRegex } from './router.js';
import { hostMatches } from './services.js';

/** Notes why the cluster would refuse an object: the field, and a clause. */
export type Refuse = (field: string, message: string) => void;

/** Istio's rules for exportTo; only a ServiceEntry may be exported to nobody. */
export function refuseExportTo(value: unknown, namespace: string, refuse: Refuse, mayBeNobody = false): void {
  const entries = list(value);
  const meant = entries.map((entry) => (entry === '.' ? namespace : entry));
  if (new Set(meant).size < meant.length) refuse('spec.exportTo', 'an entry is there twice');
  if (entries.includes('~') && !mayBeNobody) refuse('spec.exportTo', '`~` is not allowed here');
  if (entries.length > 1 && (entries.includes('*') || entries.includes('~'))) {
    refuse('spec.exportTo', '`*` and `~` stand alone');
  }
}

/** YAML turns an unquoted `exact: 1` or `exact: y` into a number or a boolean, which the schema does not take. */
export function refuseStringMatch(condition: unknown, field: string, refuse: Refuse, mayBePresence = false): void {
  for (const kind of ['exact', 'prefix', 'regex']) {
    const value = record(condition)[kind];
    if (value === undefined) continue;
    if (typeof value !== 'string') {
      refuse(`${field}.${kind}`, `found ${JSON.stringify(value)}, allowed is a string; quote it`);
    } else if (kind === 'regex' && !(mayBePresence && value === '*')) refuseRegex(value, `${field}.regex`, refuse);
  }
}

const LONGEST_REGEX = 1024;

export function refuseRegex(source: string, field: string, refuse: Refuse): void {
  if (source.length > LONGEST_REGEX) refuse(field, `the expression is longer than ${LONGEST_REGEX} characters`);
  else if (!compileRegex(source)) refuse(field, `\`${source}\` is no expression in RE2 syntax`);
}

/** A destination may be any host but `*`. */
export function refuseDestination(value: unknown, field: string, refuse: Refuse): void {
  const { host, subset } = record(value);
  if (host === '*') refuse(`${field}.host`, 'invalid destination host *');
  if (typeof subset === 'string' && subset !== '' && !isLabel(subset)) {
    refuse(`${field}.subset`, `subset name is invalid: ${subset}`);
  }
}

export const isLabel = (text: string): boolean => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);

const LARGEST_INT32 = 2_147_483_647;

export function refuseWeights(rule: Fields, field: string, refuse: Refuse): void {
  const entries = records(rule.route);
  let sum = 0;
  let readable = true;
  entries.forEach((entry, index) => {
    const { weight } = entry;
    refuseDestination(entry.destination, `${field}.route[${index}].destination`, refuse);
    if (weight === undefined || weight === null) return;
    if (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0 || weight > LARGEST_INT32) {
      readable = false;
      const allowed = `a whole number from 0 to ${LARGEST_INT32}`;
      refuse(`${field}.route[${index}].weight`, `found ${JSON.stringify(weight)}, allowed is ${allowed}`);
    } else sum += weight;
  });
  if (readable && entries.length > 1 && sum === 0) refuse(`${field}.route`, 'total destination weight = 0');
}

/** Hosts of which one is the other, or covers it. */
export function refuseOverlaps(hosts: readonly string[], refuse: Refuse): void {
  const clash = hosts.find((host, index) =>
    hosts.slice(index + 1).some((other) => hostMatches(host, other) || hostMatches(other, host)),
  );
  if (clash !== undefined) refuse('spec.hosts', `${clash} is there twice, or covers another of the hosts`);
}
