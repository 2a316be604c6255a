import type { Pluggable } from '@smithy/types';

/**
 * What an answer to a listing always has, empty or not. The SDK takes 200 with no body, with `{}` or with some other
 * document for an answer in which everything is missing. To whoever lists, that is an empty bucket: all would be taken for
 * deleted.
 */
const ALWAYS_THERE: ReadonlyMap<string, readonly string[]> = new Map([
  ['ListObjectsV2Command', ['Name', 'IsTruncated']],
  ['ListObjectVersionsCommand', ['Name', 'IsTruncated']],
  ['ListMultipartUploadsCommand', ['Bucket', 'IsTruncated']],
  ['ListPartsCommand', ['Bucket', 'IsTruncated']],
  ['DescribeRepositoriesCommand', ['repositories']],
  ['ListImagesCommand', ['imageIds']],
  ['DescribeImagesCommand', ['imageDetails']],
  ['GetMetricDataCommand', ['MetricDataResults']],
  ['StartQueryExecutionCommand', ['QueryExecutionId']],
  ['GetQueryExecutionCommand', ['QueryExecution']],
  ['GetQueryResultsCommand', ['ResultSet']],
]);

/** Refuses answers that lack what an answer of their kind always has: `target_invalid`, and never an empty listing. */
export function completeAnswers<Input extends object, Output extends object>(): Pluggable<
  Input,
  Output
> {
  return {
    applyToStack(stack) {
      stack.add(
        (next, context) => async (args) => {
          const result = await next(args);
          const command = context.commandName ?? '';
          const missing = ALWAYS_THERE.get(command)?.find(
            (field) => Reflect.get(result.output ?? {}, field) === undefined,
          );
          if (missing !== undefined) throw incomplete(command, missing, result.output ?? {});
          return result;
        },
        { step: 'deserialize', priority: 'high', name: 'odometerCompleteAnswers' },
      );
    },
  };
}

function incomplete(command: string, missing: string, output: object): Error {
  const error = new Error(`the answer to ${command.replace(/Command$/, '')} has no ${missing}`);
  const $metadata: unknown = Reflect.get(output, '$metadata') ?? { httpStatusCode: 200 };
  return Object.assign(error, { name: 'IncompleteAnswer', $metadata });
}
