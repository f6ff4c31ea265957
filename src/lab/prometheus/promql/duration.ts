const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNIT_MS = [365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000, 1];

/** Prometheus' duration (`1h30m`, units falling, whole numbers) in ms, or undefined. */
export function parsePromDuration(text: string): number | undefined {
  const match = text === '' ? null : DURATION.exec(text);
  if (!match) return undefined;
  return match.slice(1).reduce((sum, count, unit) => sum + Number(count ?? 0) * (UNIT_MS[unit] ?? 0), 0);
}
