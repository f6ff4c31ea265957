import picocolors from 'picocolors';
import type { Verdict } from '../../judge/types.js';
import { asciiLine } from '../text.js';

export type Tone = 'plain' | 'bold' | 'dim' | 'ok' | 'bad' | 'warn';

/** A piece of a line in one tone. */
export interface Piece {
  readonly text: string;
  readonly tone: Tone;
}
export type Line = readonly Piece[];

export const piece = (text: string, tone: Tone = 'plain'): Piece => ({ text, tone });
export const line = (...pieces: readonly (Piece | string)[]): Line =>
  pieces.map((one) => (typeof one === 'string' ? piece(one) : one));

export const verdictTone: Readonly<Record<Verdict, Tone>> = {
  pass: 'ok',
  fail: 'bad',
  inconclusive: 'warn',
  'no-data': 'warn',
  'not-applicable': 'dim',
};

/**
 * The text of a line: printable ASCII whatever servers sent, at most `columns` wide.
 * @param columns undefined: any width
 */
export function renderLine(pieces: Line, color: boolean, columns?: number): string {
  const colors = picocolors.createColors(color);
  const tones: Record<Tone, (text: string) => string> = {
    plain: (text) => text,
    bold: colors.bold,
    dim: colors.dim,
    ok: (text) => colors.bold(colors.green(text)),
    bad: (text) => colors.bold(colors.red(text)),
    warn: (text) => colors.bold(colors.yellow(text)),
  };
  let room = columns ?? Number.POSITIVE_INFINITY;
  let text = '';
  for (const { text: raw, tone } of pieces) {
    if (room <= 0) break;
    const whole = asciiLine(raw);
    const shown = whole.length <= room ? whole : room < 8 ? whole.slice(0, room) : `${whole.slice(0, room - 3)}...`;
    room -= shown.length;
    text += tones[tone](shown);
  }
  return text.trimEnd();
}

/** `[#####.....]` */
export function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}]`;
}

/** Rows under a header, columns as wide as their widest cell. */
export function table(rows: readonly (readonly Piece[])[]): Line[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, { text }] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, asciiLine(text).length);
    }
  }
  return rows.map((row) =>
    row.flatMap((cell, index) => {
      const text = asciiLine(cell.text);
      return [piece(text, cell.tone), piece(' '.repeat((widths[index] ?? 0) - text.length + 2))];
    }),
  );
}
