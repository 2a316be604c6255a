/** How thorough a run is. */
export interface Settings {
  /** Pairs of runs per ratio. Seven are the fewest whose median means something on a machine that does other things too. */
  readonly pairs: number;
  /** Scales how much each run sends; 1 makes runs of some seconds. Below 1 the figures only show that all works. */
  readonly scale: number;
  /** Where the services' CPU profiles go; none are written without. */
  readonly profile: string | undefined;
}

/** Reads `PAIRS`, `SCALE` and `PROFILE`. @throws RangeError */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    pairs: positive('PAIRS', env.PAIRS, 7),
    scale: positive('SCALE', env.SCALE, 1),
    profile: env.PROFILE || undefined,
  };
}

function positive(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined || text === '' ? fallback : Number(text);
  if (!(value > 0)) throw new RangeError(`${name} should be a number above 0, not ${text}`);
  return value;
}

/** The environment that makes a service write a CPU profile when it ends. */
export function profileEnv({ profile }: Settings): Readonly<Record<string, string>> {
  if (profile === undefined) return {};
  const program = new URL('./cpu-profile.js', import.meta.url);
  return { NODE_OPTIONS: `--import=${program.href}`, BENCH_PROFILE: profile };
}

/** Whether a run is too short, or slowed down by its profile, for figures that anybody should read. */
export function isQuick({ pairs, scale, profile }: Settings): boolean {
  return pairs < 7 || scale < 1 || profile !== undefined;
}
