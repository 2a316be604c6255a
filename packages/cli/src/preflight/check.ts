/** One thing that was looked at before anything is started. */
export interface Check {
  readonly check: string;
  /** Undefined: not looked at, and `detail` says why. */
  readonly ok: boolean | undefined;
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export const passed = (check: string, detail: string): Check => ({ check, ok: true, detail });

export const failed = (check: string, error: unknown, remedy: string): Check => ({
  check,
  ok: false,
  detail: error instanceof Error ? error.message : String(error),
  remedy,
});
