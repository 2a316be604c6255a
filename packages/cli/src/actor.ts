import { userInfo } from 'node:os';

/** Who is at the keyboard, for the audit log. */
export function actor(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    // In a container the user id often has no name.
    return `cli:uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
