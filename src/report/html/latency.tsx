import type { LatencySummary } from '../../load/types.js';
import { count, milliseconds } from '../format.js';
import { fill, px, stroke } from './paint.js';
import { Figure } from './parts.js';

const WIDTH = 360;
const HEIGHT = 208;
const PLOT = { left: 12, right: 348, top: 22, bottom: 170 };
const BINS = 36;

interface Props {
  readonly latency: LatencySummary;
  readonly id: string;
  readonly title: string;
  /** Of its heading; default 4. */
  readonly level?: 3 | 4;
}

/** The distribution of response times on a logarithmic scale, with its percentiles. */
export function LatencyFigure({ latency, id, title, level = 4 }: Props) {
  if (latency.count === 0) return null;
  const bins = binsOf(latency);
  const tallest = Math.max(...bins.counts);
  const x = (ms: number) =>
    px(
      PLOT.left +
        (Math.log(Math.min(Math.max(ms, bins.low), bins.high) / bins.low) / Math.log(bins.high / bins.low)) *
          (PLOT.right - PLOT.left),
    );
  const width = (PLOT.right - PLOT.left) / BINS;
  const table = (
    <table>
      <thead>
        <tr>
          <th scope="col">Percentile</th>
          <th scope="col">Response time</th>
        </tr>
      </thead>
      <tbody>
        {percentiles(latency).map(([name, ms]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="num">{milliseconds(ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
  const note = `${count(latency.count)} responses, counted from their intended start.`;
  const label = `Response times: half within ${milliseconds(latency.p50)}, 99 % within ${milliseconds(latency.p99)}, longest ${milliseconds(latency.max)}`;
  return (
    <Figure id={id} title={title} note={note} table={table} level={level}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} class="chart">
        {bins.counts.map((value, index) => {
          const height = px((value / tallest) * (PLOT.bottom - PLOT.top));
          if (value === 0) return null;
          const shown = Math.max(1, height);
          const left = px(PLOT.left + index * width);
          return (
            <rect
              key={left}
              x={left}
              y={px(PLOT.bottom - shown)}
              width={px(width - 1.4)}
              height={shown}
              rx="1.5"
              fill-opacity="0.75"
              {...fill('info')}
            />
          );
        })}
        <path d={`M${PLOT.left} ${PLOT.bottom}H${PLOT.right}`} {...stroke('muted')} />
        {decades(bins.low, bins.high).map((ms) => (
          <g key={ms}>
            <path d={`M${x(ms)} ${PLOT.bottom}v4`} {...stroke('muted')} />
            <text x={x(ms)} y={PLOT.bottom + 17} font-size="11" text-anchor="middle" {...fill('muted')}>
              {milliseconds(ms)}
            </text>
          </g>
        ))}
        <Mark at={x(latency.p50)} name="p50" row={0} />
        <Mark at={x(latency.p99)} name="p99" row={0} />
        <text x={PLOT.right} y={HEIGHT - 5} font-size="10.5" text-anchor="end" {...fill('muted')}>
          response time, logarithmic
        </text>
      </svg>
    </Figure>
  );
}

const percentiles = ({ mean, p50, p90, p99, p999, max }: Omit<LatencySummary, 'buckets' | 'count'>) =>
  [
    ['mean', mean],
    ['p50', p50],
    ['p90', p90],
    ['p99', p99],
    ['p99.9', p999],
    ['max', max],
  ] as const;

function Mark({ at, name, row }: { at: number; name: string; row: number }) {
  const end = at > PLOT.right - 30;
  return (
    <>
      <path d={`M${at} ${PLOT.top - 6}V${PLOT.bottom}`} stroke-dasharray="3 3" {...stroke('ink')} />
      <text
        x={at + (end ? -4 : 4)}
        y={PLOT.top - 8 + row * 12}
        font-size="10.5"
        text-anchor={end ? 'end' : 'start'}
        {...fill('ink')}
      >
        {name}
      </text>
    </>
  );
}

interface Bins {
  readonly low: number;
  readonly high: number;
  readonly counts: readonly number[];
}

/** Buckets of the histogram gathered into `BINS` of equal width on the logarithmic scale. */
function binsOf({ buckets, max }: LatencySummary): Bins {
  const least = Math.max(0.1, buckets[0]?.upTo ?? 1);
  const low = least * 0.8;
  const high = Math.max(max, least, low * 2) * 1.05;
  const counts = Array.from({ length: BINS }, () => 0);
  const place = (ms: number) => Math.min(BINS, Math.max(0, (Math.log(ms / low) / Math.log(high / low)) * BINS));
  let before = low;
  for (const { upTo, count: value } of buckets) {
    // A bucket is spread over its width, or bins would comb; empty buckets before it are not listed, so the width has a limit.
    const from = place(Math.max(before, upTo * 0.9));
    const to = Math.max(place(upTo), from + 1e-6);
    before = upTo;
    for (let bin = Math.floor(from); bin < Math.min(BINS, to); bin++) {
      const part = (Math.min(bin + 1, to) - Math.max(bin, from)) / (to - from);
      counts[bin] = (counts[bin] ?? 0) + value * part;
    }
  }
  return { low, high, counts };
}

/** 1, 2, 5 times a power of ten within the range; only powers of ten when it spans more than two decades. */
function decades(low: number, high: number): number[] {
  const factors = high / low > 600 ? [1] : high / low > 12 ? [1, 3] : [1, 2, 5];
  const values: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of factors) values.push(factor * 10 ** power);
  }
  return values.filter((ms) => ms >= low && ms <= high);
}
