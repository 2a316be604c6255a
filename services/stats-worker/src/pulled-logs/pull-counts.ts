/** What this process read of pulled logs, plain numbers for `collect()`. */
export class PullCounts {
  pages = 0;
  items = 0;
  events = 0;
  refused = 0;
  failures = 0;
  throttled = 0;
  lostCheckpoints = 0;
}
