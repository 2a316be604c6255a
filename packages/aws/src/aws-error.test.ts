import { expect, test } from '@jest/globals';
import { OdometerError } from '@odometer/domain/errors';
import { awsFailure, isThrottling } from './aws-error.ts';

function sdkError(name: string, message: string, httpStatusCode?: number, fields: object = {}) {
  const $metadata = httpStatusCode === undefined ? {} : { httpStatusCode };
  return Object.assign(new Error(message), { name, $metadata, ...fields });
}

const CASES: ReadonlyArray<readonly [error: Error, code: string]> = [
  [sdkError('OverLimit', 'too many in flight', 400), 'target_throttled'],
  [sdkError('KmsThrottled', 'slow down', 400), 'target_throttled'],
  [sdkError('ThrottlingException', 'Rate exceeded', 400), 'target_throttled'],
  [sdkError('SlowDown', 'Please reduce your request rate.', 503), 'target_throttled'],
  [sdkError('Unknown', 'UnknownError', 429), 'target_throttled'],
  [sdkError('ExpiredTokenException', 'expired', 400), 'target_denied'],
  [sdkError('RequestTimeTooSkewed', 'your clock', 403), 'target_denied'],
  [sdkError('CredentialsProviderError', 'Could not load credentials'), 'target_denied'],
  [sdkError('Unknown', 'UnknownError', 401), 'target_denied'],
  [sdkError('Unknown', 'UnknownError', 502), 'target_unavailable'],
  [sdkError('TimeoutError', 'a request has exceeded'), 'target_unavailable'],
  [
    sdkError('Error', 'getaddrinfo ENOTFOUND x', undefined, { code: 'ENOTFOUND' }),
    'target_unavailable',
  ],
  [sdkError('Error', 'aborted', 200, { code: 'ECONNRESET' }), 'target_unavailable'],
  [sdkError('NoSuchBucket', 'The specified bucket does not exist', 404), 'target_invalid'],
  [sdkError('PermanentRedirect', 'another region', 301), 'target_invalid'],
  [new SyntaxError('Unexpected token'), 'target_invalid'],
  [new Error('Invalid MD5 checksum on messages: m1'), 'target_invalid'],
];

test.each(CASES)('%s is %s', (error, code) => {
  const failure = awsFailure('bucket b', error);
  expect(failure).toBeInstanceOf(OdometerError);
  expect(failure).toMatchObject({ code, params: { target: 'bucket b' } });
});

test('an aborted call, an error of ours and a mistake of ours stay as they are', () => {
  const aborted = Object.assign(new Error('Request aborted'), { name: 'AbortError' });
  const ours = new OdometerError('target_invalid', { target: 'x', reason: 'y' });
  const mistake = new TypeError('undefined is not a function');
  for (const error of [aborted, ours, mistake, 'no error']) {
    expect(awsFailure('bucket b', error)).toBe(error);
  }
});

test('a message is one line, without keys, signatures and passwords', () => {
  const error = sdkError(
    'InvalidAccessKeyId',
    'The key AKIAIOSFODNN7EXAMPLE is unknown: http://user:pass@host/?X-Amz-Signature=abc&Signature=def\n  hint',
    403,
    { AWSAccessKeyId: 'AKIAIOSFODNN7EXAMPLE' },
  );
  const failure = awsFailure('bucket b', error);
  expect(failure).toMatchObject({
    message:
      'bucket b does not let us in: InvalidAccessKeyId: The key … is unknown: http://…@host/?X-Amz-Signature=…&Signature=…',
  });
  expect(JSON.stringify(failure)).not.toContain('AKIA');
  expect(failure).not.toHaveProperty('cause');
});

test('a page of a proxy is named by its status', () => {
  const error = sdkError('Error', '@aws-sdk XML parse error: unexpected content.', 502);
  expect(awsFailure('bucket b', error)).toMatchObject({
    message: 'bucket b does not answer: HTTP 502',
  });
});

test('throttling is told from all else', () => {
  expect(isThrottling(sdkError('SlowDown', '', 503))).toBe(true);
  expect(isThrottling(sdkError('AccessDenied', '', 403))).toBe(false);
  expect(isThrottling(undefined)).toBe(false);
});
