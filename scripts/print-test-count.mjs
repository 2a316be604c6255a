// Prints "N passed, N failed" from the result that jest wrote, as the last line of CI. A file that
// could not be run counts as one failure, and so does every test that was skipped: what did not run
// has proved nothing.
import { readFileSync } from 'node:fs';

function readResults(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    console.log('jest wrote no results: the tests did not run.');
    return {
      numPassedTests: 0,
      numFailedTests: 0,
      numRuntimeErrorTestSuites: 1,
      numPendingTests: 0,
    };
  }
}

const results = readResults(process.argv[2]);
if (results.numPendingTests > 0)
  console.log(`${results.numPendingTests} skipped, counted as failed.`);
const passed = results.numPassedTests;
const failed = results.numFailedTests + results.numRuntimeErrorTestSuites + results.numPendingTests;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
