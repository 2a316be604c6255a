/** What Ceph's gateway says it is; it writes some things in its own way (src/rgw/driver/rados/rgw_notify.cc of ceph/ceph). */
export const CEPH_SOURCE = 'ceph:s3';

const MEMORY_OF_A_TIME = /^[0-9A-Fa-f]{16}$/;

/**
 * Ceph dumps the memory of a time: seconds and nanoseconds, 32 bits each, the least significant byte first. In that order
 * two do not compare as text.
 *
 * @returns the same with the most significant byte first; anything else as it is.
 */
export function cephSequencer(sequencer: string | undefined): string | undefined {
  if (sequencer === undefined || !MEMORY_OF_A_TIME.test(sequencer)) return sequencer;
  return turnedRound(sequencer.slice(0, 8)) + turnedRound(sequencer.slice(8));
}

function turnedRound(word: string): string {
  return word.slice(6, 8) + word.slice(4, 6) + word.slice(2, 4) + word.slice(0, 2);
}
