/** What may keep a month from being closed. */
export interface HoldUp {
  /** Slugs of those whose usage it holds; null: anybody's. */
  readonly organizations: ReadonlySet<string> | null;
  /** A sentence for people. */
  readonly reason: string;
}
