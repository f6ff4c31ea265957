import { ConfigError } from '../base/errors.js';
import { formatPercent, parsePercent } from '../base/units.js';

/** What `--expect` claims of one version, or of all that fails. */
export interface Expected {
  /** A version, or `failed`. */
  readonly what: string;
  readonly share: number;
  /** Half of the last digit that was written: `33.3%` is kept by a third. */
  readonly tolerance: number;
}

/** `v2=10%`, several divided by commas. @throws ConfigError with every fault. */
export function parseExpectations(texts: readonly string[]): Expected[] {
  const problems: { file: string; message: string; hint: string }[] = [];
  const expected = texts
    .flatMap((text) => text.split(','))
    .flatMap((text): Expected[] => {
      const equals = text.lastIndexOf('=');
      const [what, value] = [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
      const share = equals < 1 || what === '' ? undefined : parsePercent(value);
      if (share === undefined) {
        const message = `found "${text}"; allowed is VERSION=PERCENT, 0% to 100%`;
        problems.push({ file: '--expect', message, hint: 'such as v2=10%, or failed=0%' });
        return [];
      }
      const decimals = /\.(\d+)/.exec(value)?.[1]?.length ?? 0;
      return [{ what, share, tolerance: 0.5 * 10 ** -(decimals + 2) }];
    });
  if (problems.length > 0) throw new ConfigError(problems);
  return expected;
}

/** One sentence for each that the prediction does not keep. */
export function unkept(
  expected: readonly Expected[],
  {
    share,
    failed,
  }: { readonly share: Readonly<Record<string, number>>; readonly failed: Readonly<Record<string, number>> },
): string[] {
  return expected.flatMap(({ what, share: wanted, tolerance }) => {
    const found = what === 'failed' ? Object.values(failed).reduce((sum, part) => sum + part, 0) : (share[what] ?? 0);
    if (Math.abs(found - wanted) <= tolerance + 1e-9) return [];
    const known = Object.keys(share).join(', ') || 'none';
    const unknown =
      what !== 'failed' && share[what] === undefined && wanted > 0 ? ` (versions that are reached: ${known})` : '';
    return [`expected ${what} ${formatPercent(wanted, 4)}, predicted ${formatPercent(found, 4)}${unknown}`];
  });
}
