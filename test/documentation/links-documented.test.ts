import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { pages } from './markdown.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

test.each(pages().map(({ file }) => file))('%s: every link within leads somewhere', (file) => {
  const text = withoutCode(readFileSync(join(REPOSITORY, file), 'utf8'));
  const broken = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)/g)].flatMap(
    ([link, path = '', anchor]) => {
      const target = path === '' ? join(REPOSITORY, file) : join(REPOSITORY, dirname(file), path);
      if (!existsSync(target)) return [link];
      if (anchor === undefined || !target.endsWith('.md')) return [];
      return anchorsOf(readFileSync(target, 'utf8')).includes(anchor) ? [] : [link];
    },
  );
  expect(broken).toEqual([]);
});

/** As GitHub makes them of headings: small, without punctuation, words joined by hyphens. */
function anchorsOf(markdown: string): readonly string[] {
  return [...withoutCode(markdown).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^\s*```[\s\S]*?^\s*```/gm, '');
}
