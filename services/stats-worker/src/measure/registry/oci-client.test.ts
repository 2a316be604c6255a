import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { registryDeclarationSchema } from '@odometer/domain/registries/registry-declaration';
import { digestOf, imageManifest, indexManifest } from '@odometer/testing/push-image';
import type { Credentials } from './oci-authorization.ts';
import { OciClient } from './oci-client.ts';

/** Registries as they should not be, and those that do what Docker's does not. */

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(handle: Handler): Promise<string> {
  const server = createServer(handle);
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(
  url: string,
  {
    credentials,
    timeoutMs = 2_000,
    ...more
  }: { credentials?: Credentials; timeoutMs?: number; repositories?: readonly string[] } = {},
): OciClient {
  const declaration = registryDeclarationSchema.parse({
    name: 'odd',
    type: 'oci',
    url,
    owners: [{ repository: '{organization}/{project}/…' }],
    ...more,
  });
  if (declaration.type !== 'oci') throw new Error('not an OCI registry');
  return new OciClient(declaration, credentials, timeoutMs);
}

const never = new AbortController().signal;
const json = (response: ServerResponse, body: unknown, headers: Record<string, string> = {}) => {
  response.writeHead(200, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};
const refusal = (code: string) => expect.objectContaining({ code });

describe('paged lists', () => {
  test('are followed by their links, relative or with another scheme, to the end', async () => {
    const url = await serve(({ url: path = '', headers }, response) => {
      const { searchParams } = new URL(path, 'http://x');
      const last = searchParams.get('last');
      if (last === null) {
        json(
          response,
          { repositories: ['a', 'b'] },
          { Link: '</v2/_catalog?last=b&n=2>; rel="next"' },
        );
      } else if (last === 'b') {
        const link = `<https://${headers.host}/v2/_catalog?last=c>; rel="next"`;
        json(response, { repositories: ['c'] }, { Link: link });
      } else {
        json(response, { repositories: ['d'] });
      }
    });
    expect(await client(url).repositories(never)).toEqual(['a', 'b', 'c', 'd']);
  });

  test.each([
    ['a circle', '</v2/_catalog>; rel="next"'],
    ['another host', '<http://example.invalid/v2/_catalog?last=b>; rel="next"'],
  ])('%s is no next page', async (_, link) => {
    const url = await serve((_request, response) =>
      json(response, { repositories: ['a'] }, { Link: link }),
    );
    await expect(client(url).repositories(never)).rejects.toEqual(refusal('target_invalid'));
  });

  test('a registry without a catalogue says what to do, and is measured by a declared list', async () => {
    const url = await serve((_request, response) => response.writeHead(404).end());
    await expect(client(url).repositories(never)).rejects.toThrow(/list its repositories/);
    expect(await client(url, { repositories: ['acme/web'] }).repositories(never)).toEqual([
      'acme/web',
    ]);
    expect(await client(url).list('acme/web', never)).toBeUndefined();
  });

  test.each([
    ['names that lead elsewhere', { repositories: ['../../admin'] }],
    ['no list', { repositories: 'all' }],
    ['no object', 7],
  ])('%s are refused', async (_, body) => {
    const url = await serve((_request, response) => json(response, body));
    await expect(client(url).repositories(never)).rejects.toEqual(refusal('target_invalid'));
  });
});

describe('manifests', () => {
  const image = imageManifest({ digest: digestOf('c'), sizeBytes: 1 }, []);

  test('that are not what their digest says are refused', async () => {
    const url = await serve((_request, response) => response.end(`${image.text} `));
    await expect(client(url).read('a', [image.digest], never)).rejects.toEqual(
      refusal('target_invalid'),
    );
  });

  test('larger than any may be are not read to their end', async () => {
    const url = await serve((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024);
      const more = () => {
        while (response.writable && response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    await expect(client(url).read('a', [image.digest], never)).rejects.toThrow(/larger than/);
  });

  test('of a tag without a digest in the answer get it from their content', async () => {
    const url = await serve(({ url: path }, response) => {
      if (path?.endsWith('/tags/list')) json(response, { name: 'a', tags: ['1', '2'] });
      else response.end(image.text);
    });
    expect(await client(url).list('a', never)).toEqual([
      { digest: image.digest, tags: ['1', '2'] },
    ]);
  });

  test('that nobody tagged are found by what they are about', async () => {
    const signature = { ...image, digest: digestOf('signature') };
    const url = await serve(({ url: path }, response) => {
      if (path === `/v2/a/referrers/${image.digest}`) response.end(indexManifest([signature]).text);
      else response.writeHead(404).end();
    });
    expect(await client(url).referrers('a', [image.digest], never)).toEqual([signature.digest]);
  });

  test('are asked for once where the registry does not know of them, and wherever it does', async () => {
    const signature = imageManifest({ digest: digestOf('s'), sizeBytes: 1 }, []);
    for (const knows of [false, true]) {
      let asked = 0;
      const url = await serve(({ url: path = '' }, response) => {
        if (path.startsWith('/v2/there/tags/list')) return json(response, { tags: [] });
        if (path.includes('/referrers/')) asked += 1;
        // A repository that was deleted since it was listed says nothing about the others.
        if (path.startsWith('/v2/there/referrers/') && knows) {
          return response.end(indexManifest([signature]).text);
        }
        return response.writeHead(404).end();
      });
      const asking = client(url);
      expect(await asking.referrers('gone', [image.digest], never)).toEqual([]);
      const found = knows ? [signature.digest] : [];
      expect(await asking.referrers('there', [image.digest], never)).toEqual(found);
      expect(await asking.referrers('gone', [image.digest], never)).toEqual([]);
      expect(await asking.referrers('there', [image.digest], never)).toEqual(found);
      expect(asked).toBe(knows ? 4 : 2);
    }
  });
});

describe('a registry that is unwell', () => {
  test('and wants to be asked later is asked later', async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked += 1;
      if (asked === 1) response.writeHead(429, { 'Retry-After': '1' }).end();
      else if (asked === 2) response.writeHead(503).end();
      else json(response, { repositories: ['a'] });
    });
    expect(await client(url).repositories(never)).toEqual(['a']);
  });

  test('and wants that for long is left alone', async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked += 1;
      response.writeHead(429, { 'Retry-After': '3600' }).end();
    });
    await expect(client(url).repositories(never)).rejects.toEqual(refusal('target_throttled'));
    expect(asked).toBe(1);
  });

  test.each<[string, Handler]>([
    ['never answers', () => undefined],
    ['never ends its answer', (_request, response) => response.writeHead(200).write('{')],
    ['hangs up', (request) => request.socket.destroy()],
  ])(
    'and %s is given up on',
    async (_, handle) => {
      const url = await serve(handle);
      await expect(client(url, { timeoutMs: 100 }).repositories(never)).rejects.toEqual(
        refusal('target_unavailable'),
      );
    },
    20_000,
  );

  test('is left at once when the measurement ends', async () => {
    const url = await serve(() => undefined);
    const stop = new AbortController();
    const asking = client(url, { timeoutMs: 60_000 }).repositories(stop.signal);
    const reason = new Error('the budget is used up');
    setTimeout(() => stop.abort(reason), 50);
    await expect(asking).rejects.toBe(reason);
  });
});

describe('credentials', () => {
  const credentials = { user: 'odometer', password: 'secret' };
  const basic = `Basic ${Buffer.from('odometer:secret').toString('base64')}`;

  test('become tokens for what is asked, renewed when they expire', async () => {
    const scopes: (string | null)[] = [];
    let valid = '';
    const url = await serve(({ url: path = '', headers }, response) => {
      const { pathname, searchParams } = new URL(path, 'http://x');
      if (pathname === '/token') {
        expect(headers.authorization).toBe(basic);
        expect(searchParams.get('service')).toBe('registry');
        scopes.push(searchParams.get('scope'));
        valid = `t${scopes.length}`;
        json(response, { access_token: valid });
        return;
      }
      if (headers.authorization !== `Bearer ${valid}` || valid === '') {
        const realm = `Bearer realm="http://${headers.host}/token",service="registry",scope="repository:a:pull"`;
        response.writeHead(401, { 'WWW-Authenticate': realm }).end();
        return;
      }
      json(response, { tags: [] });
    });
    const asking = client(url, { credentials });
    expect(await asking.list('a', never)).toEqual([]);
    expect(await asking.list('a', never)).toEqual([]);
    expect(scopes).toEqual(['repository:a:pull']);
    valid = 'expired';
    expect(await asking.list('a', never)).toEqual([]);
    expect(scopes).toHaveLength(2);
  });

  test('are asked for no more often than the registry itself when their place is unwell', async () => {
    let asked = 0;
    const url = await serve(({ url: path = '', headers }, response) => {
      if (path.startsWith('/token')) {
        asked += 1;
        response.writeHead(503).end();
      } else {
        const realm = `Bearer realm="http://${headers.host}/token"`;
        response.writeHead(401, { 'WWW-Authenticate': realm }).end();
      }
    });
    await expect(client(url, { credentials }).repositories(never)).rejects.toEqual(
      refusal('target_unavailable'),
    );
    expect(asked).toBe(5);
  }, 20_000);

  test('go to no other host without TLS', async () => {
    let isTold = false;
    const thief = await serve((_request, response) => {
      isTold = true;
      json(response, { token: 'x' });
    });
    const realm = thief.replace('127.0.0.1', 'localhost');
    const url = await serve((_request, response) =>
      response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${realm}/token"` }).end(),
    );
    await expect(client(url, { credentials }).repositories(never)).rejects.toEqual(
      refusal('target_invalid'),
    );
    expect(isTold).toBe(false);
  });

  test('are not sent where a redirect leads', async () => {
    let seen: string | undefined = 'nothing yet';
    const elsewhere = await serve(({ headers }, response) => {
      seen = headers.authorization;
      json(response, { repositories: ['a'] });
    });
    const url = await serve(({ headers, url: path }, response) => {
      if (headers.authorization === undefined) {
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
      } else {
        response.writeHead(307, { Location: `${elsewhere}${path}` }).end();
      }
    });
    expect(await client(url, { credentials }).repositories(never)).toEqual(['a']);
    expect(seen).toBeUndefined();
  });

  test('that are wrong are said to be, and not tried again and again', async () => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked += 1;
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
    });
    await expect(client(url, { credentials }).repositories(never)).rejects.toEqual(
      refusal('target_denied'),
    );
    expect(asked).toBe(2);
  });

  test('a redirect without end is none', async () => {
    const url = await serve((_request, response) =>
      response.writeHead(302, { Location: '/v2/_catalog' }).end(),
    );
    await expect(client(url).repositories(never)).rejects.toEqual(refusal('target_invalid'));
  });
});
