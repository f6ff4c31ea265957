import { unsettled } from '../arrivals.js';
import { confidenceSequence } from '../confidence.js';
import { attributed, goodObservation, versionFailed, versionTotal } from '../tallies.js';
import type { Cause } from '../types.js';
import { amount, counted, percent } from '../words.js';
import { ALPHA, causeAt, readyEndpoints } from './evidence.js';
import { at, type DiagnosisInput, text } from './objects.js';
import { policiesOf } from './policies.js';
import { type LiveRoute, liveRoutes } from './routes.js';

/**
 * Every attempt counts at the destination, and only the last one at the source. Told by failures: of a version they are rarer at the source
 * than at the destination only where attempts were repeated.
 */
export function retriesInflate(input: DiagnosisInput): Cause[] {
  const route = liveRoutes(input)[0];
  const source = goodObservation(input.observations, 'source')?.counts;
  const destination = goodObservation(input.observations, 'destination')?.counts;
  if (!source || !destination) return [];
  return Object.keys(input.scenario.versions).flatMap((version): Cause[] => {
    const copied = input.stage.expect.mirror?.[version] ?? route?.mirrors.some((each) => each.version === version);
    const calls = versionTotal(source, version);
    const received = versionTotal(destination, version);
    if (copied || calls === 0 || received <= calls) return [];
    const here = confidenceSequence(versionFailed(source, version), calls, ALPHA);
    const there = confidenceSequence(versionFailed(destination, version), received, ALPHA);
    if (there.low <= here.high) return [];
    const inflated = received / attributed(destination);
    const share = calls / attributed(source);
    const fix = `Judge the share at the source proxies: ${amount(received - calls)} of the ${amount(received)} requests that reached ${version} are repeated attempts. Then look into the errors of ${version}, or set retries.attempts to 0.`;
    const told = {
      code: 'RETRIES_INFLATE',
      found: `${percent(inflated)} of the requests at the destination proxies, ${percent(share)} of the calls`,
      expected: 'as many requests as calls',
      fix,
    } as const;
    const { namespace, service } = input.scenario;
    return [
      route
        ? causeAt(input, route.object, `${route.rule}.retries`, {
            ...told,
            found: `${retriesOf(route)}; ${told.found}`,
          })
        : { ...told, object: `Service/${namespace}/${service}`, field: 'retries' },
    ];
  });
}

/** Istio retries twice unless told otherwise. */
function retriesOf({ object, rule }: LiveRoute): string {
  const position = Number(/\[(\d+)\]/.exec(rule)?.[1] ?? 0);
  const attempts = text(
    at(object.spec, 'http', position, 'retries', 'attempts') ?? at(object.spec, 'rules', position, 'retry', 'attempts'),
  );
  return attempts === undefined ? 'absent (the mesh retries twice)' : `attempts ${attempts}`;
}

/** The route copies, the version is ready, and its proxies received fewer copies than that. */
export function mirrorLost(input: DiagnosisInput): Cause[] {
  const route = liveRoutes(input)[0];
  if (!route) return [];
  const source = goodObservation(input.observations, 'source')?.counts;
  const destination = goodObservation(input.observations, 'destination')?.counts;
  if (!source || !destination) return [];
  const primaries = attributed(source);
  return route.mirrors.flatMap((mirror): Cause[] => {
    const { version } = mirror;
    if (version === undefined || !isMeant(input, route, version, mirror.share)) return [];
    if (readyEndpoints(input, version).length === 0) return [];
    const copies = Math.max(0, versionTotal(destination, version) - versionTotal(source, version));
    // What an open window may not have scraped yet is no loss.
    const { high } = confidenceSequence(
      copies,
      Math.max(copies, primaries - unsettled(input.observations, primaries)),
      ALPHA,
    );
    if (high >= mirror.share) return [];
    const found = `${counted(copies, 'copies')} of ${counted(primaries, 'calls')}`;
    const expected = `${percent(mirror.share)} of them`;
    const base = { code: 'MIRROR_LOST', found, expected } as const;
    const pool = policiesOf(input).find(
      ({ value, subset }) =>
        at(value, 'connectionPool') !== undefined && (subset === undefined || subset === mirror.subset),
    );
    if (pool) {
      const fix = `Raise the limits of the connection pool: copies to ${version} that exceed them are dropped without a trace at the caller.`;
      return [causeAt(input, pool.rule, `${pool.field}.connectionPool`, { ...base, fix })];
    }
    const fix = `Look for what stands between the callers and ${version}: copies carry the Host header with -shadow at its end, so a hop that routes by host needs that name too, and an overloaded ${version} drops them.`;
    return [causeAt(input, route.object, mirror.field, { ...base, fix })];
  });
}

/**
 * Copies as the stage promises them, and its check is refuted; or a mirror of every request about which nothing is promised. (Of a rule with
 * conditions nobody knows how many calls meet them.)
 */
function isMeant({ stage, assessment }: DiagnosisInput, route: LiveRoute, version: string, share: number): boolean {
  const { mirror, share: shares } = stage.expect;
  if (mirror === undefined) return shares === undefined && route.rule === 'spec.http[0]' && !hasMatch(route);
  if (Math.abs((mirror[version] ?? 0) - share) > 1e-6) return false;
  return assessment.checks.some(({ name, verdict }) => name === `mirror:${version}` && verdict === 'fail');
}

const hasMatch = ({ object }: LiveRoute): boolean => at(object.spec, 'http', 0, 'match') !== undefined;
