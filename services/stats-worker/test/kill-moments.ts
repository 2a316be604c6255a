/**
 * When a process kills itself that does so at each of its statements. Before the next one is as after this one, for whoever goes
 * on: so that is all there is to be tried, but for a statement that is lost on its way or answered to nobody. Both are tried with
 * many seeds (`make test-long`), which takes twice as long.
 */
export function killMoments(): readonly ('before' | 'during')[] {
  return process.env.SEEDS === undefined || process.env.SEEDS === ''
    ? ['before']
    : ['before', 'during'];
}
