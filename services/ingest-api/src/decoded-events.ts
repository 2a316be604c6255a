/** The items of a request before any of them is looked at. */
export interface DecodedEvents {
  readonly items: readonly unknown[];
  /** See `ParsedJson.mayHoldBadText`. */
  readonly mayHoldBadText: boolean;
}
