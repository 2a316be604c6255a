import { isNativeError } from 'node:util/types';
import { OdometerError } from '@odometer/domain/errors';

/** Codes by which AWS asks to be asked less often. The last five are none that the SDK knows and retries as such. */
const THROTTLING = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
  'KMS.ThrottlingException',
  'KmsThrottled',
  'OverLimit',
  'ReduceYourRequestRate',
  'RequestThrottling',
]);

/** Codes that come with a status which says something else, most of them 400. */
const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthFailure',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidIdentityToken',
  'InvalidSecurity',
  'InvalidSignatureException',
  'InvalidToken',
  'KMS.AccessDeniedException',
  'KmsAccessDenied',
  'MissingAuthenticationToken',
  'NotAuthorized',
  'RequestExpired',
  'RequestInTheFuture',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
  'UnrecognizedClientException',
]);

const AWAY = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
]);

/** Long enough for every sentence of AWS; a proxy's page of HTML would fill the logs. */
const REASON_MAX_LENGTH = 300;

/** Whether the service asked to be asked less often, one attempt's answer or the last of all attempts. */
export function isThrottling(error: unknown): boolean {
  if (!isNativeError(error)) return false;
  const status = statusOf(error);
  return THROTTLING.has(error.name) || status === 429 || status === 503;
}

/**
 * What went wrong at a service of AWS, or at one that speaks as AWS does, in our own words: `target_denied`,
 * `target_throttled`, `target_unavailable`, or `target_invalid` for an answer of no use. The service's own message is
 * kept without what could be a secret; the SDK's error itself is not, as it carries keys and signatures in its fields.
 *
 * What is no answer of a service stays as it is: an aborted call (whoever aborts knows why), an OdometerError, and a
 * mistake of ours, which must not pass for one of the service's.
 *
 * @param target for whoever reads the message, e.g. `bucket uploads`
 */
export function awsFailure(target: string, error: unknown): unknown {
  if (!isNativeError(error) || error instanceof OdometerError || isAborted(error)) return error;
  const params = { target, reason: reasonOf(error) };
  const status = statusOf(error);
  if (isThrottling(error)) return new OdometerError('target_throttled', params);
  if (DENIED.has(error.name) || status === 401 || status === 403) {
    return new OdometerError('target_denied', params);
  }
  if (isAway(error) || (status !== undefined && status >= 500)) {
    return new OdometerError('target_unavailable', params);
  }
  if (status !== undefined || isUnreadable(error)) {
    return new OdometerError('target_invalid', params);
  }
  return error;
}

/** Whether a call ended because its signal was aborted. */
function isAborted(error: unknown): boolean {
  return isNativeError(error) && error.name === 'AbortError';
}

function isAway(error: Error): boolean {
  return AWAY.has(error.name) || AWAY.has(textOf(error, 'code') ?? '');
}

/** What is no answer of the service: the SDK's parsers and checks say so, which leave no code behind. */
function isUnreadable(error: Error): boolean {
  return error.name === 'SyntaxError' || /parse error|checksum|endpoint/i.test(error.message);
}

function statusOf(error: Error): number | undefined {
  const metadata: unknown = Reflect.get(error, '$metadata');
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const status: unknown = Reflect.get(metadata, 'httpStatusCode');
  return typeof status === 'number' ? status : undefined;
}

function textOf(error: Error, property: string): string | undefined {
  const value: unknown = Reflect.get(error, property);
  return typeof value === 'string' ? value : undefined;
}

function reasonOf(error: Error): string {
  const status = statusOf(error);
  // A page of a proxy, whose status says more than that it is no XML.
  if (status !== undefined && status !== 200 && isUnreadable(error)) return `HTTP ${status}`;
  // What follows the first line is the SDK's advice to programmers.
  const said = withoutSecrets(error.message.split('\n', 1)[0]?.trim() ?? '');
  const code = textOf(error, 'code') ?? error.name;
  const named = /^(Error|Unknown|UnknownError)?$/.test(code) ? '' : code;
  const spoken = said === 'UnknownError' || said === named ? '' : said;
  const reason = [named, spoken].filter((part) => part !== '').join(': ');
  return (reason || `HTTP ${status ?? 'without status'}`).slice(0, REASON_MAX_LENGTH);
}

/** Ids of access keys, signatures and tokens, wherever a service or a proxy repeats the request in its answer. */
function withoutSecrets(text: string): string {
  return text
    .replace(/\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{8,}\b/g, '…')
    .replace(/\b(Credential|Signature|X-Amz-[A-Za-z-]+|AWSAccessKeyId|Token)=[^&\s,;'"]+/gi, '$1=…')
    .replace(/\/\/[^/\s@]+@/g, '//…@');
}
