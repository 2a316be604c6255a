#!/usr/bin/env node
import { exitCodeOf } from './failure.ts';
import { createProgram } from './program.ts';

// `odometer … | head` closes our output early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  // Not process.exit: what was printed into a pipe may still be on its way.
  process.exitCode = exitCodeOf(error);
}
