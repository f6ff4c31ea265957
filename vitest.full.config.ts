import { defineConfig } from 'vitest/config';
import { PeersReporter } from './test/support/peersReporter.js';
import { reporting } from './test/support/reporting.js';

/** Suites without load and without waiting for scrapes: what they find does not depend on who else has the cores. */
const TOGETHER = [
  'test/full/{api,http1,istioOracle,istioRows,judge,judgeStreams,report,scenario}.test.ts',
  'test/full/envoy/cases.test.ts',
  'test/full/kubernetes/{api,harness,kubectl,scalars}.test.ts',
  'test/full/prometheus/{generated,queries}.test.ts',
];

/** Runs of a small load that mostly wait, two at a time; should others have had the cores, they are made again. */
const IN_PAIRS = [
  'test/full/runs/{badInput,direct,drawn,interrupted,istioSamples,ownManifests,peersKilled,unfit}.test.ts',
  'test/full/kubernetes/{all,run}.test.ts',
];

const timeouts = { testTimeout: 600_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    ...reporting(new PeersReporter()),
    projects: [
      { test: { name: 'together', include: TOGETHER, ...timeouts, maxWorkers: 2, sequence: { groupOrder: 0 } } },
      { test: { name: 'in pairs', include: IN_PAIRS, ...timeouts, maxWorkers: 2, sequence: { groupOrder: 1 } } },
      {
        test: {
          name: 'alone',
          include: ['test/full/**/*.test.ts'],
          exclude: [...TOGETHER, ...IN_PAIRS],
          ...timeouts,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
