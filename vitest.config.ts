import { defineConfig } from 'vitest/config';
import { reporting } from './test/support/reporting.js';

/** Suites of functions without state: they need no modules of their own, whose loading took a third of their time. */
const CORE = ['test/{judge,mesh,scenario}/**/*.test.ts'];

const beside = { testTimeout: 30_000, maxWorkers: 2, sequence: { groupOrder: 0 } };

export default defineConfig({
  test: {
    ...reporting(),
    projects: [
      { test: { name: 'core', include: CORE, isolate: false, ...beside } },
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: ['test/full/**', 'test/bench/**', 'test/runs/**', ...CORE],
          ...beside,
        },
      },
      {
        // Whole runs under load: one after the other, because a generator that shares its cores with other tests rightly calls itself invalid.
        test: {
          name: 'runs',
          include: ['test/runs/**/*.test.ts'],
          testTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
