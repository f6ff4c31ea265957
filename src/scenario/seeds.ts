import type { SeedName } from './types.js';

/** The `{variables}` that each seed record gives to the URI list. */
export const SEED_VARIABLES = {
  customer: ['customerId'],
  vehicle: ['licenseNumber'],
  maintenanceJob: ['jobId', 'planningDate'],
} as const satisfies Record<SeedName, readonly string[]>;

/** In the order in which they have to be created: each needs the ones before it. */
export const SEED_NAMES = ['customer', 'vehicle', 'maintenanceJob'] as const satisfies readonly SeedName[];

/** Every variable that a URI may hold. */
export const URI_VARIABLES: readonly string[] = Object.values(SEED_VARIABLES).flat();

/** The seed record that gives a variable its value. */
export function seedOf(variable: string): SeedName | undefined {
  return SEED_NAMES.find((name) => (SEED_VARIABLES[name] as readonly string[]).includes(variable));
}
