import { expect } from 'vitest';

/** A query's answer with its rows in a fixed order where the order is nobody's promise. */
export function comparable(answer: unknown, query: string): unknown {
  const { data, ...rest } = answer as { data?: { resultType: string; result: { metric?: Record<string, string> }[] } };
  if (!data || data.resultType === 'scalar' || data.resultType === 'string') return { ...rest, data };
  const promised = /^(sort|topk|bottomk)/.test(query) && !query.includes(' by ');
  const key = ({ metric = {} }: { metric?: Record<string, string> }) => JSON.stringify(Object.entries(metric).sort());
  const rows =
    promised && data.resultType === 'vector'
      ? data.result
      : [...data.result].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return { ...rest, type: data.resultType, rows };
}

/** Equal but for the last bits of numbers, which depend on the order of a sum. */
export function expectClose(found: unknown, expected: unknown): void {
  if (!close(found, expected)) expect(found).toEqual(expected);
}

function close(x: unknown, y: unknown): boolean {
  if (typeof x === 'string' && typeof y === 'string') {
    const [m, n] = [Number(x), Number(y)];
    return x === y || Math.abs(m - n) <= 1e-12 * Math.max(Math.abs(m), Math.abs(n));
  }
  if (Array.isArray(x) && Array.isArray(y))
    return x.length === y.length && x.every((each, index) => close(each, y[index]));
  if (x && y && typeof x === 'object' && typeof y === 'object') {
    const right = new Map(Object.entries(y));
    const left = Object.entries(x).filter(([, value]) => value !== undefined);
    return left.length === right.size && left.every(([name, value]) => close(value, right.get(name)));
  }
  return Object.is(x, y);
}
