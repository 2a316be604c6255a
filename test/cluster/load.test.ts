import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

// rollout-under-load.sh compares totals with what this says: if it were wrong, so would be the proof.
const LOAD = fileURLToPath(new URL('load.mjs', import.meta.url));

test('the load says how many events were acknowledged, and sends what was not again under the same ids', async () => {
  const arrivals = new Map<string, number>();
  const acknowledged = new Set<string>();
  let requests = 0;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const ids = (JSON.parse(body) as { id: string }[]).map(({ id }) => id);
      for (const id of ids) arrivals.set(id, (arrivals.get(id) ?? 0) + 1);
      requests++;
      // A pod that goes, one that is full, and one that is well.
      if (requests % 3 === 1) return request.socket.destroy();
      if (requests % 3 === 2) return response.writeHead(503).end();
      for (const id of ids) acknowledged.add(id);
      return response.writeHead(204).end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [LOAD], {
      env: {
        PATH: process.env.PATH,
        LOAD_URL: `http://127.0.0.1:${port}`,
        LOAD_KEY: 'key',
        LOAD_SUBJECT: 'load/events',
        LOAD_SECONDS: '1',
      },
    });
    const said = JSON.parse(stdout) as { acknowledged: number; repeated: number };
    expect(said.acknowledged).toBe(acknowledged.size);
    expect(said.repeated).toBeGreaterThan(0);
    expect(arrivals.size).toBe(acknowledged.size);
    expect(Math.max(...arrivals.values())).toBeGreaterThan(1);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('the load fails when it is refused for good, instead of going on for ever', async () => {
  const server = createServer((_request, response) => response.writeHead(401).end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const run = promisify(execFile)(process.execPath, [LOAD], {
      env: { PATH: process.env.PATH, LOAD_URL: `http://127.0.0.1:${port}`, LOAD_SECONDS: '60' },
    });
    await expect(run).rejects.toMatchObject({
      stderr: expect.stringContaining('answered with 401'),
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
