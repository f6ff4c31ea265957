import type { Reporter } from 'vitest/node';

/** Vitest's usual output, `more` reporters, and its JSON results where WEIGHBRIDGE_TEST_RESULTS names a file. */
export function reporting(...more: readonly Reporter[]): {
  reporters: (string | Reporter)[];
  outputFile?: { json: string };
} {
  const file = process.env.WEIGHBRIDGE_TEST_RESULTS;
  const reporters = ['default', ...more];
  return file ? { reporters: [...reporters, 'json'], outputFile: { json: file } } : { reporters };
}
