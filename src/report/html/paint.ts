/** Colours of drawings: the light palette as attributes, so that a drawing is readable where a server forbids styles; CSS classes override it. */
const PALETTE = {
  ok: '#2f6f28',
  warn: '#8a5a00',
  bad: '#b3140a',
  idle: '#6a6e73',
  info: '#0b5cad',
  ink: '#16181d',
  muted: '#565c66',
  line: '#dfe3e8',
  card: '#ffffff',
  okbg: '#e6f3e4',
  warnbg: '#fcf1da',
  badbg: '#fdeae8',
  idlebg: '#eceff2',
  infobg: '#e3eefa',
  none: 'none',
} as const;
export type Paint = keyof typeof PALETTE;

/** Attributes of a filled shape. */
export const fill = (paint: Paint, more = '') => ({ fill: PALETTE[paint], class: `f-${paint} ${more}`.trim() });

/** Attributes of a stroked shape without filling. */
export const stroke = (paint: Paint, more = '') => ({
  fill: 'none',
  stroke: PALETTE[paint],
  class: `s-${paint} ${more}`.trim(),
});

/** Attributes of a shape with both. */
export const fillStroke = (inner: Paint, outer: Paint, more = '') => ({
  fill: PALETTE[inner],
  stroke: PALETTE[outer],
  class: `f-${inner} s-${outer} ${more}`.trim(),
});

/** At most one decimal: short, and the same on every machine. */
export const px = (value: number): number => Math.round(value * 10) / 10 + 0;
