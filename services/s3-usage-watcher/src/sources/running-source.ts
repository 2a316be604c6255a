/** A queue or topic that is being read. */
export interface RunningSource {
  /** How long ago it last answered, milliseconds; with nothing at all it counts from its start. */
  silentMs(): number;
  /** Ends it; what is under way is finished, or left where it came from. Never rejects. */
  stop(): Promise<void>;
}
