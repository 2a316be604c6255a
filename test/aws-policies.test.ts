import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/** What a call needs; see the pages "Actions, resources, and condition keys" of AWS' service authorization reference. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  // The batches of SQS are allowed by the actions of their single calls.
  ReceiveMessageCommand: ['sqs:ReceiveMessage'],
  DeleteMessageBatchCommand: ['sqs:DeleteMessage'],
  ChangeMessageVisibilityBatchCommand: ['sqs:ChangeMessageVisibility'],
  ListObjectsV2Command: ['s3:ListBucket'],
  ListObjectVersionsCommand: ['s3:ListBucketVersions'],
  ListMultipartUploadsCommand: ['s3:ListBucketMultipartUploads'],
  ListPartsCommand: ['s3:ListMultipartUploadParts'],
  GetBucketVersioningCommand: ['s3:GetBucketVersioning'],
  // A version that is named needs an action of its own.
  DeleteObjectsCommand: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
  DescribeRepositoriesCommand: ['ecr:DescribeRepositories'],
  DescribeImagesCommand: ['ecr:DescribeImages'],
  BatchGetImageCommand: ['ecr:BatchGetImage'],
  GetMetricDataCommand: ['cloudwatch:GetMetricData'],
  GetObjectCommand: ['s3:GetObject'],
  // Athena reads catalogue and logs, and writes results, with the rights of whoever asks: "Policies to control access to data
  // and resources in Athena" of its guide.
  StartQueryExecutionCommand: [
    'athena:StartQueryExecution',
    'glue:GetDatabase',
    'glue:GetTable',
    'glue:GetPartition',
    'glue:GetPartitions',
    's3:GetBucketLocation',
    's3:ListBucket',
    's3:GetObject',
    's3:PutObject',
    's3:AbortMultipartUpload',
    's3:ListMultipartUploadParts',
  ],
  GetQueryExecutionCommand: ['athena:GetQueryExecution'],
  GetQueryResultsCommand: ['athena:GetQueryResults'],
  StopQueryExecutionCommand: ['athena:StopQueryExecution'],
};

/** What of a worker runs in the one for post-hoc metrics only. */
const POSTHOC = 'services/stats-worker/src/posthoc';

/** Policy → where the code is that runs under it. */
const CODE: Readonly<Record<string, readonly string[]>> = {
  's3-usage-watcher': ['services/s3-usage-watcher/src', 'packages/aws/src'],
  'iot-counter': ['services/mqtt-counter/src', 'packages/aws/src'],
  'measuring-worker': ['services/stats-worker/src'],
  'posthoc-worker': [POSTHOC],
  'purge-objects': ['packages/cli/src'],
};

/** What runs on a developer's machine only. */
const FOR_TESTS = ['packages/local-stack/src', 'packages/testing/src', 'packages/s3-simulator/src'];

/** Calls of the AWS SDK in the sources below `directory`, without those of tests. */
function commandsIn(directory: string): readonly string[] {
  const files = readdirSync(join(REPOSITORY, directory), {
    recursive: true,
    encoding: 'utf8',
  })
    .filter((file) => file.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(file))
    .map((file) => join(directory, file))
    .filter((file) => directory === POSTHOC || !file.startsWith(POSTHOC));
  return files.flatMap((file) => {
    const source = readFileSync(join(REPOSITORY, file), 'utf8');
    const imports = source.matchAll(/import\s+\{([^}]*)\}\s+from '@aws-sdk\/client-/g);
    return [...imports].flatMap(([, names = '']) => names.match(/\b\w+Command\b/g) ?? []);
  });
}

function actionsOf(policy: string): readonly string[] {
  const { Statement }: { readonly Statement: readonly { readonly Action: readonly string[] }[] } =
    JSON.parse(readFileSync(join(REPOSITORY, 'docs/aws', `${policy}.json`), 'utf8'));
  return [...new Set(Statement.flatMap(({ Action }) => Action))].sort();
}

test.each(Object.entries(CODE))(
  'the policy of %s allows what its code calls, and no more',
  (policy, code) => {
    const commands = new Set(code.flatMap(commandsIn));
    const needed = [...commands].flatMap(
      (command) => ACTIONS[command] ?? [`nothing known of ${command}`],
    );
    expect(actionsOf(policy)).toEqual([...new Set(needed)].sort());
  },
);

test('nothing else of the product calls AWS', () => {
  const known = [...Object.values(CODE).flat(), ...FOR_TESTS];
  const others = ['packages', 'services']
    .flatMap((folder) =>
      readdirSync(join(REPOSITORY, folder)).map((name) => `${folder}/${name}/src`),
    )
    .filter((directory) => !known.includes(directory));
  expect(others.flatMap(commandsIn)).toEqual([]);
});
