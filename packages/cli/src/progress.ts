/** One line on a terminal's standard error that is overwritten; nothing where nobody watches. */
export interface Progress {
  tell(what: string): void;
  /** Removes the line. */
  done(): void;
}

export function startProgress(): Progress {
  const { stderr } = process;
  if (!stderr.isTTY) return { tell() {}, done() {} };
  return {
    tell: (what) => {
      stderr.write(`\r\u001b[K${what} …`);
    },
    done: () => {
      stderr.write('\r\u001b[K');
    },
  };
}
