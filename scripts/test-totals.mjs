/**
 * Prints the totals of a vitest JSON report as one line, `N passed, N failed[, N skipped]`; exit
 * status 1 if anything failed. Usage: `node scripts/test-totals.mjs REPORT`.
 */
import { readFileSync } from "node:fs";

const [path] = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const file of JSON.parse(readFileSync(path, "utf8")).testResults) {
    // A file that does not load has no tests, and counts as one that failed.
    if (file.status === "failed" && file.assertionResults.length === 0) totals.failed += 1;
    for (const { status } of file.assertionResults) {
      if (status === "passed" || status === "failed") totals[status] += 1;
      else totals.skipped += 1;
    }
  }
} catch (error) {
  console.error(`test-totals: no results of a whole test run in ${path}: ${error.message}`);
  process.exit(1);
}
if (totals.failed > 0 || totals.passed === 0) process.exitCode = 1;
const skipped = totals.skipped === 0 ? "" : `, ${totals.skipped} skipped`;
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
