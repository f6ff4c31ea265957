import type { CheckResult } from '../../judge/types.js';
import { isAccount } from '../format.js';
import { fill, px, stroke } from './paint.js';
import { verdictPaint } from './parts.js';
import { allowed, domainOf } from './scale.js';

const WIDTH = 168;
const HEIGHT = 18;

/** What is allowed, the interval and the observed share on one scale; the same numbers stand beside it as text. */
export function RangeBar({ check }: { check: CheckResult }) {
  const { observed, verdict } = check;
  const expected = isAccount(check) ? {} : check.expected;
  if (!observed) return null;
  const domain = domainOf(expected, observed);
  const x = (share: number) =>
    px(
      4 +
        ((Math.min(domain.high, Math.max(domain.low, share)) - domain.low) / (domain.high - domain.low)) * (WIDTH - 8),
    );
  const band = allowed(expected);
  const paint = verdictPaint[verdict];
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true" class="range">
      <rect x="0" y="3" width={WIDTH} height="12" rx="6" {...fill('idlebg')} />
      {band && (
        <rect
          x={x(band.low)}
          y="3"
          width={px(Math.max(2, x(band.high) - x(band.low)))}
          height="12"
          rx="3"
          fill-opacity="0.35"
          {...fill('ok')}
        />
      )}
      <path d={`M${x(observed.low)} 9H${x(observed.high)}`} stroke-width="2" {...stroke(paint)} />
      <path d={`M${x(observed.low)} 5.5V12.5M${x(observed.high)} 5.5V12.5`} stroke-width="2" {...stroke(paint)} />
      <circle cx={x(observed.share)} cy="9" r="3.6" {...fill(paint)} />
    </svg>
  );
}
