import { formatPercent } from '../base/units.js';
import type { WatchedPoint } from '../scenario/types.js';

/** Sentences of reasons, findings and ledgers. */
export const POINT_NAMES: Readonly<Record<WatchedPoint, string>> = {
  client: 'the client',
  source: 'the source proxy',
  destination: 'the destination proxies',
  graph: 'the graph',
};

/** What is counted at a vantage point: `answers`, `calls`, ... */
export const UNITS: Readonly<Record<WatchedPoint, string>> = {
  client: 'marked answers',
  source: 'calls',
  destination: 'requests',
  graph: 'requests',
};

/** `25.1 %`, with as many decimals as the size asks for. */
export function percent(value: number): string {
  if (value > 0 && value < 0.001) return formatPercent(value, 4);
  return formatPercent(value, value > 0 && value < 0.01 ? 2 : 1);
}

/** `1601` -> `1,601`. */
export const amount = (value: number): string =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');

/** `640 ms`, `1.25 s`: three digits. */
export function time(ms: number): string {
  const digits = (value: number) => String(Number(value.toPrecision(3)));
  return ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`;
}

/** `0.05`, `5e-5`: a probability for those who read them. */
export const probability = (value: number): string =>
  value >= 0.001 ? String(Number(value.toPrecision(2))) : value.toExponential(1).replace('.0e', 'e');

/** `1 call`, `2 calls`: the noun is given in the plural. */
export const counted = (value: number, plural: string): string =>
  `${amount(value)} ${value === 1 ? singular(plural) : plural}`;

const singular = (plural: string): string => (plural === 'copies' ? 'copy' : plural.replace(/s$/, ''));

/** `a, b and c` */
export function list(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** With a capital letter, as a sentence starts. */
export const sentenceCase = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
