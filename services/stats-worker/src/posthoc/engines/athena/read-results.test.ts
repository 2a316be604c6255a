import type { AthenaClient, GetQueryResultsCommandOutput } from '@aws-sdk/client-athena';
import { expect, test } from '@jest/globals';
import { answerOf } from '../../../../test/athena-fixture.ts';
import { CollectedRows } from '../collected-rows.ts';
import { readResults } from './read-results.ts';

/** What goes on for ever, which would take a server too long: over the wire is athena-engine.test.ts. */
function read(nextToken: (page: number) => string) {
  const { columns, rows } = answerOf(Array.from({ length: 1_000 }, () => ['web', '1']));
  let page = 0;
  const send = async () => {
    page += 1;
    const answer: Pick<GetQueryResultsCommandOutput, 'ResultSet' | 'NextToken'> = {
      ResultSet: {
        Rows: rows.map((row) => ({ Data: row.map((value) => ({ VarCharValue: value ?? '' })) })),
        ResultSetMetadata: {
          ColumnInfo: columns.map(({ name, type }) => ({ Name: name, Type: type })),
        },
      },
      NextToken: nextToken(page),
    };
    return answer;
  };
  const client = { send } as unknown as Pick<AthenaClient, 'send'>;
  return readResults(client, 'a metric', 'x', new AbortController().signal, new CollectedRows());
}

test('an answer with more rows than one may have is none', async () => {
  await expect(read(String)).rejects.toMatchObject({
    code: 'target_invalid',
    message: expect.stringContaining('the answer has more than 1000000 rows'),
  });
});

test('an answer whose pages go in a circle is none', async () => {
  await expect(read((page) => String(page % 3))).rejects.toMatchObject({
    code: 'target_invalid',
    message: expect.stringContaining('goes in a circle'),
  });
});
