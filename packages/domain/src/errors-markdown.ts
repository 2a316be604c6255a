import { ERRORS } from './errors.ts';

/** The text of docs/errors.md, so that no error can be documented and gone, or thrown and undocumented. */
export function errorsMarkdown(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { kind, retry, message }]) =>
      `| \`${code}\` | ${kind} | ${retry ? 'yes' : 'no'} | ${cell(message)} |`,
  );
  return [
    '# Errors',
    '',
    'Every expected failure of Odometer has one of these codes. Anything else is a bug: please report it.',
    '"Retry" says whether the same request can succeed later without anybody changing anything.',
    '',
    'Generated from `packages/domain/src/errors.ts`; refresh with `UPDATE_DOCS=1 pnpm jest packages/domain/src/errors.test.ts`.',
    '',
    '| code | kind | retry | message |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('|', '\\|').replaceAll('\n', '<br>');
}
