import { defineConfig } from 'vitest/config';
import { reporting } from './test/support/reporting.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    exclude: ['test/full/**', 'test/bench/**'],
    testTimeout: 30_000,
    maxWorkers: 2,
    ...reporting(),
  },
});
