import type { CheckResult, Verdict } from '../judge/types.js';

/** Before units: does not break, is read as a space. */
const THIN = '\u202f';

/** `0.104` -> `10.4`, `0.1` -> `10.0`: an observed share in percent; two decimals below 1 %, where one would hide what is certified. */
export function shareNumber(share: number): string {
  const percent = share * 100;
  return percent.toFixed(percent > 0 && percent < 0.995 ? 2 : 1);
}

/** `0.1` -> `10`: a promised share in percent, as people write it. */
export const percentNumber = (share: number): string => decimal(share * 100, share > 0 && share < 0.001 ? 4 : 2);

/** `10.4 %`, observed. */
export const sharePercent = (share: number): string => `${shareNumber(share)}${THIN}%`;

/** `10 %`, promised. */
export const percent = (share: number): string => `${percentNumber(share)}${THIN}%`;

/** `[6.9, 14.1]`, in percent. */
export const interval = (low: number, high: number): string => `[${shareNumber(low)}, ${shareNumber(high)}]`;

/** `1403` -> `1,403`; the same on every machine, whatever its locale. */
export function count(value: number): string {
  const rounded = Math.round(value);
  return `${rounded < 0 ? '-' : ''}${String(Math.abs(rounded)).replace(/\B(?=(\d{3})+$)/g, ',')}`;
}

/** At most `digits` decimals, trailing zeros trimmed. */
export function decimal(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** `11 ms`, `1.2 s`; as Kiali writes response times, with a space. */
export function milliseconds(ms: number): string {
  if (ms >= 1000) return `${decimal(ms / 1000, 2)}${THIN}s`;
  return `${decimal(ms, ms < 10 ? 1 : 0)}${THIN}ms`;
}

/** `7.1 s`, `2 min 5 s`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}${THIN}ms`;
  if (ms < 60_000) return `${decimal(ms / 1000, 1)}${THIN}s`;
  const total = Math.round(ms / 1000);
  return `${Math.floor(total / 60)}${THIN}min ${total % 60}${THIN}s`;
}

/** `2026-07-01 12:00:12 UTC` */
export const utc = (wallMs: number): string =>
  `${new Date(wallMs).toISOString().slice(0, 19).replace('T', ' ')}${THIN}UTC`;

/** `12:00:12`, UTC. */
export const clockTime = (wallMs: number): string => new Date(wallMs).toISOString().slice(11, 19);

/** `00:12` */
export function minutes(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  return `${String(Math.floor(total / 60)).padStart(2, '0')}:${String(total % 60).padStart(2, '0')}`;
}

export const verdictWord: Readonly<Record<Verdict, string>> = {
  pass: 'PASS',
  fail: 'FAIL',
  inconclusive: 'INCONCLUSIVE',
  'no-data': 'NO DATA',
  'not-applicable': 'NOT APPLICABLE',
};

/**
 * True for a check that only has to agree with the source proxy: destination proxies and graph also see copies and retries, so the
 * stage's promise is not theirs.
 */
export const isAccount = ({ required, vantagePoint }: Pick<CheckResult, 'required' | 'vantagePoint'>): boolean =>
  !required && (vantagePoint === 'destination' || vantagePoint === 'graph');

/** `10 % ± 3`, `at most 0.5 %`, `0 % (below 1 %)`, `p95 at most 800 ms`: what a check promises, in percent. */
export function promise({ expected }: Pick<CheckResult, 'expected'>): string {
  const { percentile, limitMs, than, ratio } = expected;
  if (percentile && limitMs !== undefined) return `${percentile} at most ${milliseconds(limitMs)}`;
  if (than !== undefined && ratio !== undefined)
    return ratio === 1 ? `no more often than ${than}` : `at most ${decimal(ratio, 2)} times as often as ${than}`;
  if (than !== undefined) return `at most ${percent(expected.margin ?? 0)} slower than ${than}`;
  const { share, margin, max, absence } = expected;
  if (share === 0 && absence !== undefined) return `0${THIN}% (below ${percent(absence)})`;
  if (share === 1 && absence !== undefined) return `100${THIN}% (above ${percent(1 - absence)})`;
  if (share !== undefined && margin !== undefined) return `${percentNumber(share)} ± ${percent(margin)}`;
  if (share !== undefined) return percent(share);
  if (max !== undefined) return `at most ${percent(max)}`;
  return 'as stated';
}

/** What was observed: `10.4 %`, or `640 ms` for a percentile; `2.1 times` for failures compared. */
export function observedValue({ observed }: Pick<CheckResult, 'observed'>): { value: string; bounds: string } {
  if (!observed) return { value: '', bounds: '' };
  const { responseTime, ratio } = observed;
  const upTo = (high: number | null, text: (value: number) => string) => (high === null ? '…' : text(high));
  if (responseTime) {
    const { value, low, high } = responseTime;
    return { value: milliseconds(value), bounds: `[${milliseconds(low)}, ${upTo(high, milliseconds)}]` };
  }
  const times = (value: number) => decimal(value, 2);
  return {
    value: sharePercent(observed.share),
    bounds: ratio ? `[${times(ratio.low)}, ${upTo(ratio.high, times)}] times` : interval(observed.low, observed.high),
  };
}

/** `share:v2` -> `v2`, `errors` -> ``. */
export function checkVersion(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? '' : name.slice(colon + 1);
}

/** `share:v2` -> `Share of v2`. */
export function checkTitle(name: string): string {
  const [subject, percentile] = checkVersion(name).split(':');
  const version = subject ?? '';
  const kind = version ? name.slice(0, name.indexOf(':')) : name;
  switch (kind) {
    case 'share':
      return `Share of ${version}`;
    case 'mirror':
      return `Copies mirrored to ${version}`;
    case 'proxies':
      return `Proxies that call ${version}`;
    case 'errors':
      return version ? `Errors of ${version}` : 'Errors';
    case 'responseTime':
      if (percentile) return `${percentile} of the response time of ${version}`;
      return /^p\d+$/.test(version) ? `${version} of the response time` : `Slowness of ${version}`;
    case 'drift':
      return version === 'errors' ? 'Drift of the errors' : `Drift of ${version}'s share`;
    default:
      return name;
  }
}

export const vantageTitle: Readonly<Record<CheckResult['vantagePoint'], string>> = {
  client: 'Client',
  source: 'Source proxy',
  destination: 'Destination proxy',
  graph: 'Traffic graph',
  config: 'Configuration',
};
