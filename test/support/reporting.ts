/** Vitest's usual output, and its JSON results where WEIGHBRIDGE_TEST_RESULTS names a file. */
export function reporting(): { reporters: string[]; outputFile?: { json: string } } {
  const file = process.env.WEIGHBRIDGE_TEST_RESULTS;
  return file ? { reporters: ['default', 'json'], outputFile: { json: file } } : { reporters: ['default'] };
}
