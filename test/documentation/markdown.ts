import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** A page for people, and what is in it as code. */
export interface Page {
  /** From the repository's root. */
  readonly file: string;
  readonly blocks: readonly CodeBlock[];
  /** What stands between backticks in running text. */
  readonly spans: readonly Code[];
}

export interface Code {
  readonly text: string;
  readonly line: number;
}

export interface CodeBlock extends Code {
  /** What stands behind the opening fence: sh, yaml, sql, … */
  readonly language: string;
}

/** All pages that operators read. */
export function pages(): readonly Page[] {
  return [
    'README.md',
    'helm/odometer/README.md',
    'docker/README.md',
    ...markdownIn('docs'),
    ...markdownIn('docs/runbooks'),
    ...markdownIn('docs/aws'),
    ...readdirSync(join(REPOSITORY, 'services')).flatMap((name) => markdownIn(`services/${name}`)),
  ].map((file) => ({ file, ...codeOf(readFileSync(join(REPOSITORY, file), 'utf8')) }));
}

function markdownIn(folder: string): readonly string[] {
  return readdirSync(join(REPOSITORY, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

/** Code of a text in Markdown: fenced blocks, and spans outside of them. */
export function codeOf(markdown: string): Pick<Page, 'blocks' | 'spans'> {
  const blocks: CodeBlock[] = [];
  const spans: Code[] = [];
  let open: { language: string; indent: number; line: number; text: string[] } | undefined;
  for (const [index, text] of markdown.split('\n').entries()) {
    const fence = /^(\s*)```(\w*)/.exec(text);
    if (open !== undefined) {
      if (fence === null) open.text.push(text.slice(open.indent));
      else {
        blocks.push({ language: open.language, line: open.line, text: open.text.join('\n') });
        open = undefined;
      }
    } else if (fence !== null) {
      const [, indent = '', language = ''] = fence;
      open = { language, indent: indent.length, line: index + 2, text: [] };
    } else {
      for (const [, span = ''] of text.matchAll(/`([^`]+)`/g)) {
        // A table's own escape.
        spans.push({ text: span.replaceAll('\\|', '|'), line: index + 1 });
      }
    }
  }
  return { blocks, spans };
}
