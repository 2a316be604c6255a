import { createHmac, hash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { hasToken, isSigned } from './webhook-credentials.ts';

test('a token is known with and without Bearer, and nothing else is', () => {
  const tokenHash = hash('sha256', 'secret');
  for (const header of ['secret', 'Bearer secret', 'bearer  secret']) {
    expect(hasToken(tokenHash, header)).toBe(true);
  }
  for (const header of [undefined, '', 'Bearer', 'secre', 'Bearer secret2', tokenHash]) {
    expect(hasToken(tokenHash, header)).toBe(false);
  }
});

test.each(['hex', 'base64'] as const)(
  'a signature in %s covers the bytes of the body',
  (encoding) => {
    const form = { header: 'x-signature', prefix: 'sha256=', encoding } as const;
    const body = Buffer.from('{"a": 1}');
    const signature = createHmac('sha256', 'secret').update(body).digest(encoding);
    const signed = (header: string | undefined, text = body) =>
      isSigned(form, 'secret', header === undefined ? {} : { 'x-signature': header }, text);
    expect(signed(`sha256=${signature}`)).toBe(true);
    expect(signed(`sha256=${signature}`, Buffer.from('{"a":1}'))).toBe(false);
    expect(signed(signature)).toBe(false);
    expect(signed(`sha256=AAAA${signature}`)).toBe(false);
    expect(signed('sha256=')).toBe(false);
    expect(signed(undefined)).toBe(false);
    expect(isSigned(form, 'other', { 'x-signature': `sha256=${signature}` }, body)).toBe(false);
  },
);
