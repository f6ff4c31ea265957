import { checkTitle, decimal, percentNumber, promise, sharePercent, span, vantageTitle } from '../format.js';
import type { CheckSeries, SeriesPoint } from '../types.js';
import { fill, px, stroke } from './paint.js';
import { Figure } from './parts.js';
import { allowed, type Domain, domainOf, ticks } from './scale.js';

const WIDTH = 360;
const HEIGHT = 208;
const PLOT = { left: 44, right: 350, top: 10, bottom: 176 };
const TABLE_ROWS = 12;

interface Props {
  readonly series: CheckSeries;
  readonly id: string;
  /** ms since the window opened. */
  readonly decidedAt: number | undefined;
}

/** One check at one vantage point over time: what is allowed, what was seen, and how sure that is. */
export function ShareChart({ series, id, decidedAt }: Props) {
  const { points, expected } = series;
  const last = points.at(-1);
  if (!last) return null;
  const domain = domainOf(expected, last);
  const end = Math.max(last.at, 1);
  const x = (at: number) => px(PLOT.left + (at / end) * (PLOT.right - PLOT.left));
  const y = (share: number) =>
    px(PLOT.bottom - ((share - domain.low) / (domain.high - domain.low)) * (PLOT.bottom - PLOT.top));
  const title = `${checkTitle(series.name)} · ${vantageTitle[series.vantagePoint]}`;
  const promised = allowed(expected) ? `promised ${promise({ expected })}` : 'accounted for';
  const summary = `${sharePercent(last.share)} with interval ${sharePercent(last.low)} to ${sharePercent(last.high)}; ${promised}`;
  return (
    <Figure
      id={id}
      title={title}
      note={`${promised.charAt(0).toUpperCase()}${promised.slice(1)}, ended at ${sharePercent(last.share)}.`}
      table={<Table series={series} />}
    >
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title} over time: ${summary}`} class="chart">
        <defs>
          <clipPath id={`${id}-clip`}>
            <rect x={PLOT.left} y={PLOT.top} width={PLOT.right - PLOT.left} height={PLOT.bottom - PLOT.top} />
          </clipPath>
        </defs>
        <Allowed series={series} y={y} />
        <Axes domain={domain} end={end} x={x} y={y} />
        <g clip-path={`url(#${id}-clip)`}>
          <path d={bandPath(points, x, y)} fill-opacity="0.16" {...fill('info')} />
          <path d={linePath(points, x, y)} stroke-width="2" stroke-linejoin="round" {...stroke('info')} />
          {points.length === 1 && <circle cx={x(last.at)} cy={y(last.share)} r="3" {...fill('info')} />}
        </g>
        {decidedAt !== undefined && decidedAt <= last.at && (
          <>
            <path d={`M${x(decidedAt)} ${PLOT.top}V${PLOT.bottom}`} stroke-dasharray="2 3" {...stroke('muted')} />
            <text
              x={x(decidedAt) + (decidedAt > end / 2 ? -5 : 5)}
              y={PLOT.top + 11}
              font-size="10.5"
              text-anchor={decidedAt > end / 2 ? 'end' : 'start'}
              {...fill('muted')}
            >
              decided {span(decidedAt)}
            </text>
          </>
        )}
      </svg>
    </Figure>
  );
}

function Allowed({ series, y }: { series: CheckSeries; y: (share: number) => number }) {
  const band = allowed(series.expected);
  if (!band) return null;
  const width = PLOT.right - PLOT.left;
  const target = series.expected.share ?? series.expected.max ?? 0;
  return (
    <>
      <rect
        x={PLOT.left}
        y={y(band.high)}
        width={width}
        height={px(Math.max(1, y(band.low) - y(band.high)))}
        {...fill('okbg')}
      />
      <path
        d={`M${PLOT.left} ${y(target)}H${PLOT.right}`}
        stroke-dasharray="5 4"
        stroke-width="1.2"
        {...stroke('ok')}
      />
    </>
  );
}

interface AxesProps {
  readonly domain: Domain;
  readonly end: number;
  readonly x: (at: number) => number;
  readonly y: (share: number) => number;
}

function Axes({ domain, end, x, y }: AxesProps) {
  return (
    <>
      {ticks(domain, 5).map((share) => (
        <g key={share}>
          <path d={`M${PLOT.left} ${y(share)}H${PLOT.right}`} {...stroke('line')} />
          <text x={PLOT.left - 6} y={y(share) + 4} font-size="11" text-anchor="end" {...fill('muted')}>
            {percentNumber(share)} %
          </text>
        </g>
      ))}
      <path d={`M${PLOT.left} ${PLOT.bottom}H${PLOT.right}`} {...stroke('muted')} />
      {ticks({ low: 0, high: end / 1000 }, 5).map((seconds) => (
        <text
          key={seconds}
          x={x(seconds * 1000)}
          y={PLOT.bottom + 16}
          font-size="11"
          text-anchor="middle"
          {...fill('muted')}
        >
          {decimal(seconds, 2)}
        </text>
      ))}
      <text x={PLOT.right} y={HEIGHT - 5} font-size="10.5" text-anchor="end" {...fill('muted')}>
        seconds in the counting window
      </text>
    </>
  );
}

type Place = (value: number) => number;

const linePath = (points: readonly SeriesPoint[], x: Place, y: Place) =>
  points.map(({ at, share }, index) => `${index === 0 ? 'M' : 'L'}${x(at)} ${y(share)}`).join('');

function bandPath(points: readonly SeriesPoint[], x: Place, y: Place): string {
  const upper = points.map(({ at, high }, index) => `${index === 0 ? 'M' : 'L'}${x(at)} ${y(high)}`);
  const lower = [...points].reverse().map(({ at, low }) => `L${x(at)} ${y(low)}`);
  return `${upper.join('')}${lower.join('')}Z`;
}

function Table({ series: { points } }: { series: CheckSeries }) {
  const step = Math.max(1, Math.ceil(points.length / TABLE_ROWS));
  const rows = points.filter((_, index) => (points.length - 1 - index) % step === 0);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Second</th>
          <th scope="col">Share</th>
          <th scope="col">Low</th>
          <th scope="col">High</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ at, share, low, high }) => (
          <tr key={at}>
            <td class="num">{decimal(at / 1000, 2)}</td>
            <td class="num">{sharePercent(share)}</td>
            <td class="num">{sharePercent(low)}</td>
            <td class="num">{sharePercent(high)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
