import type { Entry } from '../types.js';
import { HOME, type World } from '../world.js';
import { endpointEntries } from './endpoints.js';
import { routeEntries } from './routes.js';
import { stickyEntries } from './sticky.js';
import { telemetryEntries } from './telemetry.js';

/** Every cause, in order of its number. */
export const catalogueOf = (world: World): readonly Entry[] =>
  [...routeEntries(world), ...endpointEntries(world), ...stickyEntries(world), ...telemetryEntries(world)].sort(
    (a, b) => a.number - b.number,
  );

export const CATALOGUE = catalogueOf(HOME);
