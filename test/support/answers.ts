import { expect } from 'vitest';

/** How far the numbers of two answers may be apart: relative, and absolute for what should be 0. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

export const EXACT: Tolerance = { relative: 0, absolute: 0 };
/** The last bits of a double depend on the order of a sum and on the mathematics library. */
export const LAST_BITS: Tolerance = { relative: 1e-12, absolute: 0 };

interface Row {
  readonly metric?: Record<string, string>;
  readonly value?: readonly [number, string];
}

/** A query's answer with its rows in a fixed order where the order is nobody's promise. */
export function comparable(answer: unknown, query: string): unknown {
  const { data, ...rest } = answer as { data?: { resultType: string; result: Row[] } };
  if (!data || data.resultType === 'scalar' || data.resultType === 'string') return { ...rest, data };
  const promised = data.resultType === 'vector' && /^(sort|topk|bottomk)/.test(query) && !query.includes(' by ');
  // Of rows that a query ranks alike the order is nobody's promise either.
  const rank = new Map(data.result.map((row, index) => [row, index]));
  for (const [index, row] of data.result.entries()) {
    const before = data.result[index - 1];
    if (!promised || (before && before.value?.[1] === row.value?.[1]))
      rank.set(row, before ? (rank.get(before) ?? 0) : 0);
  }
  const key = ({ metric = {} }: Row) => JSON.stringify(Object.entries(metric).sort());
  const rows = [...data.result].sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0) || (key(a) < key(b) ? -1 : 1));
  return { ...rest, type: data.resultType, rows };
}

/** Equal but for the last bits of numbers. */
export function expectClose(found: unknown, expected: unknown): void {
  if (!isClose(found, expected, LAST_BITS)) expect(found).toEqual(expected);
}

/** Equal documents, whose texts that are numbers may be apart by the tolerance. */
export function isClose(x: unknown, y: unknown, tolerance: Tolerance): boolean {
  if (typeof x === 'string' && typeof y === 'string') {
    if (x === y) return true;
    const apart = Math.abs(Number(x) - Number(y));
    return (
      apart <= tolerance.absolute || apart <= tolerance.relative * Math.max(Math.abs(Number(x)), Math.abs(Number(y)))
    );
  }
  if (Array.isArray(x) && Array.isArray(y))
    return x.length === y.length && x.every((each, index) => isClose(each, y[index], tolerance));
  if (x && y && typeof x === 'object' && typeof y === 'object') {
    const right = new Map(Object.entries(y));
    const left = Object.entries(x).filter(([, value]) => value !== undefined);
    return left.length === right.size && left.every(([name, value]) => isClose(value, right.get(name), tolerance));
  }
  return Object.is(x, y);
}
