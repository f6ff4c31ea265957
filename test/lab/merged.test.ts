import { describe } from 'vitest';
import { mergedMetricsSuite } from '../support/mergedMetrics.js';

describe("beside the lab's own sidecars, the agent", () => mergedMetricsSuite({}));
