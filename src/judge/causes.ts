import { CATALOGUE } from './causes/catalogue.js';
import type { DiagnosisInput } from './causes/objects.js';
import { rank } from './causes/rank.js';
import type { Cause } from './types.js';

export type { DiagnosisInput, HeldRoutes } from './causes/objects.js';
export { causeUnknown } from './causes/unknown.js';

/**
 * Causes of a wrong split: what the live objects say against the stage, and what the counts say of it, the likeliest first (`causes/rank`
 * holds the formula). Empty: the promise, or nothing of the catalogue, explains the counts as well.
 */
export const diagnose = (input: DiagnosisInput): Cause[] => rank(CATALOGUE, input);
