/**
 * A failure that is expected of a machine rather than of the program: a port in use, a program that
 * is missing, a full disk. Its message is the one sentence a person needs; the stack is not shown.
 */
export class StackError extends Error {
  override readonly name = 'StackError';
}
