// Adds up vitest's JSON results: one closing line for all suites. No result file, or no test, is a failure.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of process.argv.slice(2)) {
  let result;
  try {
    result = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    failed += 1;
    continue;
  }
  passed += result.numPassedTests;
  // A file that could not even be loaded counts no failed test, only a failed suite.
  failed += result.numFailedTests || (result.success ? 0 : 1);
  skipped += result.numPendingTests + result.numTodoTests;
}
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed > 0 || passed === 0 || process.argv.length < 4 ? 1 : 0;
