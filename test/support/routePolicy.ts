import { type MeshRequest, routeFor } from '../../src/mesh/router.js';
import type { ProxyConfig } from '../../src/mesh/types.js';

/** What a proxy does with a request beside choosing where it goes. */
export interface RoutePolicy {
  /** Share that is delayed, and by how many ms. */
  readonly delayed: readonly [share: number, ms: number];
  /** 0: none. */
  readonly timeoutMs: number;
  readonly retries: number;
  /** Empty where there is no retry. */
  readonly retryOn: string;
  /** 0: none. */
  readonly perTryMs: number;
}

export function policyOf(config: ProxyConfig, request: MeshRequest): RoutePolicy {
  const route = routeFor(config, request)?.route;
  const { delay } = route?.fault ?? {};
  const delayed = [delay?.share ?? 0, delay?.duration ?? 0] as const;
  if (route?.action.kind !== 'forward') return { delayed, timeoutMs: 0, retries: 0, retryOn: '', perTryMs: 0 };
  const { attempts, retryOn, statusCodes, perTryTimeout } = route.retries;
  return {
    delayed,
    timeoutMs: route.timeout ?? 0,
    retries: attempts,
    retryOn: attempts > 0 ? [...retryOn, ...statusCodes].join() : '',
    perTryMs: attempts > 0 ? (perTryTimeout ?? 0) : 0,
  };
}
