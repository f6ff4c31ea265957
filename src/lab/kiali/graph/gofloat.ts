/**
 * A number with a fixed count of decimals as Go's `%.*f` prints it: exact ties go to the even digit, where JavaScript's toFixed
 * goes up (6.25 -> `6.2`, not `6.3`). @param decimals 0..20.
 */
export function goFixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const rounded = value.toFixed(decimals);
  // A hundred decimals hold every double whose last bit could matter here.
  const exact = Math.abs(value).toFixed(100);
  const point = exact.indexOf('.');
  const rest = exact.slice(point + 1 + decimals);
  if (!/^50*$/.test(rest)) return rounded;
  const down = exact.slice(0, decimals === 0 ? point : point + 1 + decimals);
  if (Number(down.at(-1)) % 2 !== 0) return rounded;
  return value < 0 ? `-${down}` : down;
}

/** A rate with two decimals at least, and as many more (five at most) as show its first digit. */
export function rateText(value: number): string {
  let decimals = 0;
  for (let scaled = value; decimals < 5 && scaled < 1 && value > 0; scaled *= 10) decimals += 1;
  return goFixed(value, Math.max(2, decimals));
}
