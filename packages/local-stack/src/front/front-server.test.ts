import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../tcp-port.ts';
import { createFront } from './front-server.ts';

let service: Server;
let front: Server;
let url: string;

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

beforeAll(async () => {
  service = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(202, {
        'x-path': request.url ?? '',
        'x-type': request.headers['content-type'] ?? '',
      });
      response.end(Buffer.concat(chunks));
    });
  });
  const port = await listen(service);
  front = createFront([
    { path: '/api/v1/events', port },
    { path: '/away', port: await freePort() },
  ]);
  url = `http://127.0.0.1:${await listen(front)}`;
});

afterAll(() => {
  for (const server of [front, service]) {
    server?.closeAllConnections();
    server?.close();
  }
});

test('passes method, path, headers and body on, and the answer back', async () => {
  const body = 'x'.repeat(3_000_000);
  const response = await fetch(`${url}/api/v1/events?from=now`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body,
  });
  expect(response.status).toBe(202);
  expect(response.headers.get('x-path')).toBe('/api/v1/events?from=now');
  expect(response.headers.get('x-type')).toBe('application/cloudevents+json');
  expect(await response.text()).toBe(body);
});

test('a service that is away is a 503 that asks for a retry', async () => {
  const response = await fetch(`${url}/away/now`, { method: 'POST', body: 'usage' });
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('1');
  expect(response.headers.get('content-type')).toBe('application/problem+json');
});

test('the longest path that fits wins, and / takes all that is nobody else’s', async () => {
  const other = createServer((_, response) => response.writeHead(418).end());
  const service = createServer((_, response) => response.writeHead(200).end());
  const split = createFront([
    { path: '/', port: await listen(other) },
    { path: '/api/v1/events', port: await listen(service) },
  ]);
  const at = `http://127.0.0.1:${await listen(split)}`;
  try {
    const paths = [
      '/api/v1/events',
      '/api/v1/events/x',
      '/api/v1/eventsource',
      '/api/v1/limits',
      '/',
    ];
    const statuses = await Promise.all(paths.map(async (path) => (await fetch(at + path)).status));
    expect(statuses).toEqual([200, 200, 418, 418, 418]);
  } finally {
    for (const server of [split, service, other]) {
      server.closeAllConnections();
      server.close();
    }
  }
});

test('a path is not a prefix of longer words, and the rest is a 404 problem', async () => {
  for (const path of ['/api/v1/eventsource', '/', '/api/v1']) {
    const response = await fetch(`${url}${path}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ status: 404, title: 'Not Found' });
  }
});
