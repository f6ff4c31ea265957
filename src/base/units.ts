/** A span of time in milliseconds. */
export type Millis = number & { readonly __unit: 'ms' };
/** A ratio in 0..1, never a percentage. */
export type Ratio = number & { readonly __unit: 'ratio' };

export const millis = (value: number): Millis => value as Millis;
export const ratio = (value: number): Ratio => value as Ratio;

const DURATION_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Parses a duration such as `100ms`, `2s`, `1.5m` or `1h`.
 * @returns milliseconds, >= 0, or undefined when the text is no duration (a bare number has no unit and is refused, except `0`).
 */
export function parseDuration(text: string): Millis | undefined {
  if (text.trim() === '0') return millis(0);
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)\s*$/.exec(text);
  if (!match?.[1] || !match[2]) return undefined;
  return millis(Number(match[1]) * (DURATION_MS[match[2]] ?? Number.NaN));
}

/**
 * Parses a percentage such as `10%` or `0.01%`.
 * @returns a ratio in 0..1, or undefined when the text is no percentage in 0..100 %.
 */
export function parsePercent(text: string): Ratio | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(text);
  if (!match?.[1]) return undefined;
  // Dividing by 100 once keeps decimal inputs such as 0.1 % at their nearest double.
  const value = Number(match[1]) / 100;
  return value <= 1 ? ratio(value) : undefined;
}

/** `0.1` -> `10 %`; at most `digits` decimals (default 1), trailing zeros trimmed unless `fixed`. */
export function formatPercent(value: number, digits = 1, fixed = false): string {
  const text = (value * 100).toFixed(digits);
  return `${fixed || !text.includes('.') ? text : text.replace(/\.?0+$/, '')} %`;
}

/** `950` -> `950 ms`, `1500` -> `1.5 s`, `90000` -> `1 m 30 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1).replace(/\.0$/, '')} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
}
