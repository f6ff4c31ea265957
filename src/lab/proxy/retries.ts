import type { Random } from '../../base/random.js';
import type { RetryPolicy } from '../../mesh/types.js';
import type { UpstreamFailure } from './upstream.js';

const GATEWAY_ERRORS = new Set([502, 503, 504]);

/** Base and longest interval of Envoy's back-off. */
const BACK_OFF_MS = 25;
const MAX_BACK_OFF_MS = 250;

/** True when the policy retries a response of this status (Envoy's `retry_on`). */
export function retriesStatus(policy: RetryPolicy, status: number): boolean {
  return policy.retryOn.some((condition) => {
    switch (condition) {
      case '5xx':
        return status >= 500;
      case 'gateway-error':
        return GATEWAY_ERRORS.has(status);
      case 'retriable-4xx':
        return status === 409;
      case 'retriable-status-codes':
        return policy.statusCodes.includes(status);
      default:
        return false;
    }
  });
}

/** True when the policy retries an attempt that ended without a response; a 5xx policy counts such an end as a 5xx. */
export function retriesFailure(policy: RetryPolicy, failure: UpstreamFailure | 'timeout'): boolean {
  return policy.retryOn.some((condition) => {
    switch (condition) {
      case 'connect-failure':
        return failure === 'UF';
      case '5xx':
      case 'gateway-error':
      case 'reset':
        return true;
      case 'reset-before-request':
        return failure === 'UF';
      default:
        return false;
    }
  });
}

/** Fully jittered exponential pause before the n-th retry (n from 1): drawn from [0, min((2^n - 1) * 25, 250)) ms. */
export const backOffMs = (retry: number, random: Random): number =>
  random() * Math.min((2 ** retry - 1) * BACK_OFF_MS, MAX_BACK_OFF_MS);
