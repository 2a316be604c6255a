/** The account that a queue belongs to, as the URL of a queue of AWS names it; undefined for any other URL. */
export function queueAccount(queueUrl: string): string | undefined {
  return /^https?:\/\/[^/]+\/(\d{12})\/[^/]+$/.exec(queueUrl)?.[1];
}
