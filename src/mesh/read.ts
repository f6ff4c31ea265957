/** Reading of untyped object fields: a value of another type counts as absent, so that no manifest can throw. */
export type Fields = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const record = (value: unknown): Fields => (isRecord(value) ? value : {});

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const records = (value: unknown): readonly Fields[] => list(value).map(record);

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const texts = (value: unknown): readonly string[] => list(value).filter((item) => typeof item === 'string');

export const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

export const labels = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(record(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

/** `spec.selector.matchLabels`, by which a policy selects pods; empty: every pod. */
export const podSelector = ({ spec }: { readonly spec?: unknown }): Readonly<Record<string, string>> =>
  labels(record(record(spec).selector).matchLabels);

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** Go's duration syntax (`1m30s`, `0.5s`, `100ms`) in milliseconds; undefined when it is none. */
export function durationMs(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/.test(value)) return undefined;
  let total = 0;
  let rest = value;
  while (rest) {
    const part = /^(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/.exec(rest);
    if (!part?.[1] || !part[2]) return undefined;
    total += Number(part[1]) * (UNIT_MS[part[2]] ?? Number.NaN);
    rest = rest.slice(part[0].length);
  }
  return total;
}
