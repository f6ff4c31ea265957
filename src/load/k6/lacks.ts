import { ConfigError, type Problem } from '../../base/errors.js';
import { modelsOf } from '../demand.js';
import type { LoadSpec } from '../types.js';

/** k6's executors for users and arrivals refuse to be shorter. */
const SHORTEST_MS = 1000;

/** What k6 cannot do, or cannot be told. @returns a problem for each that is asked for: none is passed over in silence. */
function k6Lacks(spec: LoadSpec): Problem[] {
  const { model, freshShare = 0, durationMs, maxRequests } = spec;
  const models = modelsOf(model);
  const asked: readonly (readonly [boolean, string, string?])[] = [
    [model.kind === 'replay', 'replay of recorded times (--replay)'],
    [
      models.some((each) => each.kind === 'open' && each.arrivals === 'poisson'),
      'arrivals at random (poisson): its arrivals are evenly spaced',
      'ask for constant arrivals, or use --engine node',
    ],
    [spec.connections === 'shared', 'connections that users share (--connections shared)'],
    [
      freshShare > 0 && freshShare < 1,
      'connections of their own for a part of the requests (--fresh-connections)',
      'ask for 100% or 0%, or use --engine node',
    ],
    [(spec.followRedirects ?? 0) > 0, 'redirects that stay on named servers (--follow-redirects)'],
    [spec.connectTimeoutMs !== undefined, 'limit for the connection alone (--connect-timeout)'],
    [spec.firstByteTimeoutMs !== undefined, 'limit for the first byte (--first-byte-timeout)'],
    [spec.precise === true, 'pacing thread (--precise)'],
    [(spec.workers ?? 1) > 1, 'threads to be told (--workers): it uses all cores', 'leave it out'],
    [(spec.captureFailures ?? 0) > 0, 'copies of failed answers (--capture-failures)'],
    [
      model.kind === 'mixed' && maxRequests !== undefined,
      'common number of requests for several models (--requests)',
      'give --duration instead, or use --engine node',
    ],
    [
      durationMs !== undefined && durationMs < SHORTEST_MS,
      'loads shorter than a second (--duration)',
      'give it a second, or use --engine node',
    ],
  ];
  return asked
    .filter(([given]) => given)
    .map(([, what, hint]) => ({
      path: 'engine k6',
      message: `has no ${what}`,
      hint: hint ?? 'leave it out, or use --engine node',
    }));
}

/** @throws ConfigError with all that k6 cannot do. */
export function refuseForK6(spec: LoadSpec): void {
  const lacks = k6Lacks(spec);
  if (lacks.length > 0) throw new ConfigError(lacks);
}
