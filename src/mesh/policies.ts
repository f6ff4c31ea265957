import { millis, type Ratio, ratio } from '../base/units.js';
import { durationMs, type Fields, isRecord, labels, number, record, text, texts } from './read.js';
import type { Fault, HeaderChange, RetryPolicy } from './types.js';

const DEFAULT_RETRY_ON = ['connect-failure', 'refused-stream', 'unavailable', 'cancelled', 'retriable-status-codes'];

/** What Istio writes on every route that says nothing: two retries, none of them for a status code. */
export const DEFAULT_RETRIES: RetryPolicy = {
  attempts: 2,
  retryOn: DEFAULT_RETRY_ON,
  statusCodes: [],
  perTryTimeout: undefined,
};

const NO_RETRIES: RetryPolicy = { attempts: 0, retryOn: [], statusCodes: [], perTryTimeout: undefined };

export const NO_HEADERS: HeaderChange = { set: {}, add: {}, remove: [] };

/** `attempts: 0` and `retries: {}` switch retries off; numbers inside retryOn are status codes. */
export function retryPolicy(value: unknown, fallback: RetryPolicy): RetryPolicy {
  if (!isRecord(value)) return fallback;
  const attempts = number(value.attempts) ?? 0;
  if (attempts <= 0) return NO_RETRIES;
  const perTry = durationMs(value.perTryTimeout);
  const perTryTimeout = perTry === undefined ? undefined : millis(perTry);
  const words = (text(value.retryOn) ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0) return { ...DEFAULT_RETRIES, attempts, perTryTimeout };
  const statusCodes = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const retryOn = words.filter((word) => !/^\d+$/.test(word));
  if (statusCodes.length > 0 && !retryOn.includes('retriable-status-codes')) retryOn.push('retriable-status-codes');
  return { attempts, retryOn, statusCodes, perTryTimeout };
}

/** Percent (0..100) to a ratio with Envoy's resolution of one in a million. */
export function percentToRatio(percent: number): Ratio {
  return ratio(Math.min(1, Math.max(0, Math.trunc(percent * 10_000 + 1e-6) / 1_000_000)));
}

/** No percentage means no injection; an abort without a status does nothing; a gRPC abort is HTTP 200 on the wire. */
export function faultOf(value: unknown): Fault {
  const fault = record(value);
  const delay = record(fault.delay);
  const abort = record(fault.abort);
  const delayShare = percentToRatio(number(record(delay.percentage).value) ?? number(delay.percent) ?? 0);
  const duration = durationMs(delay.fixedDelay);
  const abortShare = percentToRatio(number(record(abort.percentage).value) ?? 0);
  const status = number(abort.httpStatus) ?? (text(abort.grpcStatus) === undefined ? undefined : 200);
  return {
    ...(delayShare > 0 && duration !== undefined ? { delay: { share: delayShare, duration: millis(duration) } } : {}),
    ...(abortShare > 0 && status !== undefined ? { abort: { share: abortShare, status } } : {}),
  };
}

/** `headers.request` or `headers.response` of a rule or destination. */
function headerChange(value: unknown): HeaderChange {
  if (!isRecord(value)) return NO_HEADERS;
  return { set: labels(value.set), add: labels(value.add), remove: texts(value.remove) };
}

export const headersOf = (holder: Fields): { request: HeaderChange; response: HeaderChange } => {
  const headers = record(holder.headers);
  return { request: headerChange(headers.request), response: headerChange(headers.response) };
};
