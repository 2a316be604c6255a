/**
 * The commands of a text for sh, each as its words: enough of the shell's grammar for what documentation shows. Comments go,
 * lines that end with a backslash are joined, quotes are taken off, and `|`, `;`, `&`, `(`, `)`, `{`, `}` and redirections end a command.
 */
export function commandsIn(script: string): readonly (readonly string[])[] {
  const commands: string[][] = [];
  for (const line of withoutHereDocuments(script.replaceAll(/\\\n\s*/g, ' '))) {
    let words: string[] = [];
    const end = () => {
      if (words.length > 0) commands.push(words);
      words = [];
    };
    for (const [token] of line.matchAll(TOKEN)) {
      if (token.startsWith('#')) break;
      if (/^[|;&(){}<>]/.test(token) || token === '$(') end();
      else words.push(token.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, '$1$2'));
    }
    end();
  }
  return commands;
}

/** A word (with its quotes), a comment, or what ends a command. */
const TOKEN =
  /\$\(|#.*|(?:"(?:[^"\\]|\\.)*"|'[^']*'|\$\{[^}]*\}|[^\s"'|;&(){}<>#]|(?<=\S)#)+|\{(?=\S)[^\s]*|[|;&(){}<>]+/g;

function withoutHereDocuments(script: string): readonly string[] {
  const kept: string[] = [];
  let until: string | undefined;
  for (const line of script.split('\n')) {
    if (until !== undefined) {
      if (line.trim() === until) until = undefined;
      continue;
    }
    kept.push(line);
    until = /<<-?\s*'?(\w+)'?/.exec(line)?.[1];
  }
  return kept;
}
