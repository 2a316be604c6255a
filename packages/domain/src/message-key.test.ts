import { expect, test } from '@jest/globals';
import { eventKey } from './event-envelope.ts';
import { messageFingerprint, messageKey } from './message-key.ts';

test('a message has one key, and no two that differ share it', () => {
  expect(messageKey('acme', 'aws-iot', '1')).toBe(messageKey('acme', 'aws-iot', '1'));
  const keys = [
    messageKey('acme', 'aws-iot', '1'),
    messageKey('zeta', 'aws-iot', '1'),
    messageKey('acme', 'aws-iot', '2'),
    messageKey('acme', 'aws-io', 't1'),
    messageKey('acmea', 'ws-iot', '1'),
    eventKey('acme', 'aws-iot', '1'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test('the fingerprint tells topics and sizes apart', () => {
  const fingerprints = [
    messageFingerprint('a/1', 23),
    messageFingerprint('a/12', 3),
    messageFingerprint('a/1', 24),
  ];
  expect(new Set(fingerprints).size).toBe(3);
  for (const each of fingerprints) expect(BigInt.asIntN(64, BigInt(each)).toString()).toBe(each);
});
