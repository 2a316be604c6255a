/** How what a listing says compares with what the ledger has. */
export interface ListingKnowledge {
  readonly askedAtMs: number;
  /** All that happened so long before it was asked for, the listing knew. */
  readonly graceMs: number;
  /** The latest time that a clock which is right can tell: what is later was written by one that is wrong. */
  readonly credibleMs: number;
  /** Sequencers are times: one of a time that is yet to come orders nothing, and is forgotten. */
  readonly isOrderedByTime: boolean;
}
