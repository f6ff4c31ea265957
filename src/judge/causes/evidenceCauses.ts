import type { Cause } from '../types.js';
import { answerCauses } from './answers.js';
import { arrivalCauses } from './arrivals.js';
import { changeCauses } from './changes.js';
import { callerCauses } from './foreignCallers.js';
import { limitCauses } from './limits.js';
import { metricLabelCauses } from './metricLabels.js';
import type { DiagnosisInput } from './objects.js';
import { stickinessCauses } from './stickiness.js';
import { telemetryCauses } from './telemetry.js';

/** Causes that only counts can show: objects alone never make one of them. */
export const evidenceCauses = (input: DiagnosisInput): Cause[] =>
  [
    changeCauses,
    limitCauses,
    stickinessCauses,
    answerCauses,
    arrivalCauses,
    metricLabelCauses,
    telemetryCauses,
    callerCauses,
  ].flatMap((family) => family(input));
