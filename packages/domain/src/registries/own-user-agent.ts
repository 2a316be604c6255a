/** What Odometer calls itself when it reads a registry, so that its reads are told from downloads. */
export const OWN_USER_AGENT = 'odometer';

/** Whether it is that of this or another version. */
export function isOwnUserAgent(agent: unknown): boolean {
  return agent === OWN_USER_AGENT || String(agent).startsWith(`${OWN_USER_AGENT}/`);
}
