import { defineConfig } from 'vitest/config';
import { PeersReporter } from './test/support/peersReporter.js';
import { reporting } from './test/support/reporting.js';

export default defineConfig({
  test: {
    include: ['test/full/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    fileParallelism: false,
    ...reporting(new PeersReporter()),
  },
});
