const DEGREE = Math.PI / 180;

/** Functions that change every value by itself. */
export const PER_SAMPLE: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
  sgn: Math.sign,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  deg: (value) => value / DEGREE,
  rad: (value) => value * DEGREE,
};

const DAY_MS = 86_400_000;

/** The named part, in UTC, of a time in seconds since the epoch; NaN outside what a date can hold. */
export function calendarPart(name: string, seconds: number): number {
  const date = new Date(Math.trunc(seconds) * 1000);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  switch (name) {
    case 'minute':
      return date.getUTCMinutes();
    case 'hour':
      return date.getUTCHours();
    case 'day_of_week':
      return date.getUTCDay();
    case 'day_of_month':
      return date.getUTCDate();
    case 'day_of_year':
      return Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / DAY_MS) + 1;
    case 'days_in_month':
      return new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
    case 'month':
      return month + 1;
    case 'year':
      return year;
    default:
      return Number.NaN;
  }
}
