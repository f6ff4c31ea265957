import type { Cause } from '../types.js';
import { answersOfOthers } from './answers.js';
import { mirrorLost, retriesInflate } from './arrivals.js';
import { overwritten, rolloutRace } from './changes.js';
import { foreignTraffic } from './foreignCallers.js';
import { breakerOpen, endpointsEjected } from './limits.js';
import { labelMissing, labelsStale } from './metricLabels.js';
import type { DiagnosisInput } from './objects.js';
import { cookieKeeps, hashKeeps, routeByConnection } from './stickiness.js';
import { notCounted, scrapedTwice, withoutSidecar } from './telemetry.js';

/** Causes that only counts can show: objects alone never make one of them. */
export const evidenceCauses = (input: DiagnosisInput): Cause[] =>
  [
    overwritten,
    rolloutRace,
    breakerOpen,
    endpointsEjected,
    cookieKeeps,
    hashKeeps,
    routeByConnection,
    answersOfOthers,
    retriesInflate,
    mirrorLost,
    labelMissing,
    labelsStale,
    withoutSidecar,
    notCounted,
    scrapedTwice,
    foreignTraffic,
  ].flatMap((find) => find(input));
