import { parsePromDuration } from './promql/duration.js';

/** A request the API refuses, in Prometheus' envelope. */
export class ApiError extends Error {
  readonly errorType: 'bad_data' | 'execution' | 'timeout' | 'internal' | 'not_found' | 'unavailable';
  readonly status: number;

  constructor(errorType: ApiError['errorType'], message: string) {
    super(message);
    this.errorType = errorType;
    this.status = { bad_data: 400, execution: 422, timeout: 503, internal: 500, not_found: 404, unavailable: 503 }[
      errorType
    ];
  }
}

const badParameter = (name: string, what: string) =>
  new ApiError('bad_data', `invalid parameter ${JSON.stringify(name)}: ${what}`);

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Seconds since the epoch or RFC 3339, as ms; `fallback` when the parameter is absent. */
export function timeParam(params: URLSearchParams, name: string, fallback?: number): number {
  const text = params.get(name) ?? '';
  if (text === '' && fallback !== undefined) return fallback;
  if (DECIMAL.test(text) && Number.isFinite(Number(text))) return Math.round(Number(text) * 1000);
  const parsed = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(parsed)) throw badParameter(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  return parsed;
}

/** Seconds or a duration such as `15s`, as ms. */
export function durationParam(params: URLSearchParams, name: string, fallback?: number): number {
  const text = params.get(name) ?? '';
  if (text === '' && fallback !== undefined) return fallback;
  if (DECIMAL.test(text)) {
    const ms = Number(text) * 1000;
    if (Math.abs(ms) > 2 ** 53)
      throw badParameter(name, `cannot parse ${JSON.stringify(text)} to a valid duration. It overflows int64`);
    return ms;
  }
  const ms = parsePromDuration(text);
  if (ms === undefined) throw badParameter(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
  return ms;
}

/** Prometheus answers at most this many points a series. */
const MAX_POINTS = 11_000;

export function rangeParams(params: URLSearchParams): { startMs: number; endMs: number; stepMs: number } {
  const startMs = timeParam(params, 'start');
  const endMs = timeParam(params, 'end');
  if (endMs < startMs) throw badParameter('end', 'end timestamp must not be before start time');
  // The step is kept in whole ms, the resolution of samples; below that it would not advance.
  const stepMs = Math.trunc(durationParam(params, 'step'));
  if (stepMs <= 0)
    throw badParameter(
      'step',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  if ((endMs - startMs) / stepMs > MAX_POINTS) {
    throw new ApiError(
      'bad_data',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  }
  return { startMs, endMs, stepMs };
}
