// Loaded into a service by NODE_OPTIONS: its clock is ahead by so many milliseconds (behind, below 0), as that of a machine
// that nobody sets. Timers go on as they do.
const aheadMs = Number(process.env.CLOCK_AHEAD_MS);
const RealDate = Date;

class WrongDate extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + aheadMs);
    else super(...parts);
  }

  static now() {
    return RealDate.now() + aheadMs;
  }
}
globalThis.Date = WrongDate;
