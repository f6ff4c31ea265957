import type { WatchedPoint } from '../../scenario/types.js';
import type { Cause, CauseCode, Granularity } from '../types.js';
import { answersOfOthers } from './answers.js';
import { mirrorLost, retriesInflate } from './arrivals.js';
import { overwritten, rolloutRace } from './changes.js';
import { asCounted } from './counted.js';
import { ALPHA } from './evidence.js';
import { foreignTraffic } from './foreignCallers.js';
import type { CauseKind } from './kind.js';
import { breakerOpen, endpointsEjected } from './limits.js';
import { labelMissing, labelsStale } from './metricLabels.js';
import type { DiagnosisInput } from './objects.js';
import { cookieKeeps, hashKeeps, routeByConnection } from './stickiness.js';
import { notCounted, scrapedTwice, withoutSidecar } from './telemetry.js';
import { preferringNear } from './zones.js';

const EVERYWHERE = ['client', 'source', 'destination'] as const;
const AT_PROXIES = ['source', 'destination'] as const;
const ARRIVED = ['destination'] as const;

/** Causes that only counts can show: objects alone never make one of them, and nothing tells how large their effect is. */
export const EVIDENCE_CAUSES: readonly CauseKind[] = [
  shown(14, 'ROUTE_OVERWRITTEN', 'the route was changed while the stage was judged', overwritten, EVERYWHERE),
  shown(30, 'ROLLOUT_RACE', 'routes came into force before the endpoints they name', rolloutRace, EVERYWHERE),
  shown(
    26,
    'CIRCUIT_BREAKER_OPEN',
    'a connection pool is full, and calls to the version end there',
    breakerOpen,
    EVERYWHERE,
  ),
  preferringNear(
    shown(
      25,
      'ENDPOINTS_EJECTED',
      'pods are left out for their errors, or for their zone',
      endpointsEjected,
      EVERYWHERE,
    ),
  ),
  shown(10, 'COOKIE_KEEPS_VERSION', 'a cookie keeps clients at their version', cookieKeeps, EVERYWHERE),
  shown(11, 'HASH_KEEPS_POD', 'a hash or session affinity keeps requests at one pod', hashKeeps, EVERYWHERE),
  shown(
    12,
    'ROUTE_BY_CONNECTION',
    'the version is drawn once for a connection',
    routeByConnection,
    EVERYWHERE,
    'connection',
  ),
  shown(31, 'ANSWER_NOT_FROM_VERSION', 'answers are not those of the version that was called', answersOfOthers, [
    'client',
  ]),
  shown(16, 'RETRIES_INFLATE', 'repeated attempts count at the destination', retriesInflate, ARRIVED),
  shown(18, 'MIRROR_LOST', 'mirror copies do not arrive', mirrorLost, ARRIVED),
  shown(20, 'VERSION_LABEL_MISSING', 'pods do not say their version', labelMissing, AT_PROXIES),
  shown(21, 'METRIC_LABELS_STALE', 'metrics carry labels that pods no longer have', labelsStale, AT_PROXIES),
  shown(
    19,
    'VERSION_WITHOUT_SIDECAR',
    'pods of the version have no sidecar, so nothing counts there',
    withoutSidecar,
    ARRIVED,
  ),
  shown(23, 'TELEMETRY_DROPPED', 'metrics of the version are switched off or not scraped', notCounted, ARRIVED),
  shown(22, 'SCRAPED_TWICE', 'the same counters are scraped twice', scrapedTwice, AT_PROXIES),
  shown(24, 'FOREIGN_TRAFFIC', 'requests of other workloads are in the counts', foreignTraffic, AT_PROXIES),
];

/** @param points where it shows: there its prediction is what was counted. */
function shown(
  number: number,
  code: CauseCode,
  title: string,
  find: (input: DiagnosisInput) => readonly Cause[],
  points: readonly WatchedPoint[],
  unit?: Granularity['unit'],
): CauseKind {
  return {
    code,
    number,
    title,
    confirm: (input) =>
      find(input).map(({ code: _code, ...place }) => ({
        ...place,
        confirmedBy: 'counts',
        lnEvidence: -Math.log(ALPHA),
      })),
    predict: (_candidate, input) => ({ ...asCounted(input, points), ...(unit ? { unit } : {}) }),
  };
}
