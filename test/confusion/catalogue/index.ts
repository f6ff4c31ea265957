import type { Entry } from '../types.js';
import { ENDPOINT_ENTRIES } from './endpoints.js';
import { ROUTE_ENTRIES } from './routes.js';
import { STICKY_ENTRIES } from './sticky.js';
import { TELEMETRY_ENTRIES } from './telemetry.js';

/** Every cause, in order of its number. */
export const CATALOGUE: readonly Entry[] = [
  ...ROUTE_ENTRIES,
  ...ENDPOINT_ENTRIES,
  ...STICKY_ENTRIES,
  ...TELEMETRY_ENTRIES,
].sort((a, b) => a.number - b.number);
