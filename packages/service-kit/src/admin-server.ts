import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { type Component, component } from './component.ts';
import type { Logger } from './logging.ts';
import type { Probes } from './probes.ts';

/**
 * The port for machines that look after this process: `/metrics` for Prometheus, `/livez` and `/readyz` for the kubelet.
 * It serves names of hosts and reasons of failures, so it must never be public.
 */
export function adminServer(options: {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  readonly liveness: Probes;
  readonly readiness: Probes;
  readonly log: Logger;
}): Component {
  const { host, port, registry, liveness, readiness, log } = options;

  async function answer(path: string, response: ServerResponse): Promise<void> {
    switch (path) {
      case '/metrics':
        return send(response, 200, registry.contentType, await registry.metrics());
      case '/livez':
        return sendReport(response, liveness);
      case '/readyz':
        return sendReport(response, readiness);
      default:
        return send(response, 404, 'text/plain', 'try /metrics, /livez or /readyz\n');
    }
  }

  return component({
    name: 'admin server',
    async start() {
      const server = createServer((request, response) => {
        const path = (request.url ?? '').split('?', 1)[0] ?? '';
        answer(path, response).catch((error: unknown) => {
          log.error({ event: 'admin_request_failed', path, error });
          response.headersSent ? response.end() : send(response, 500, 'text/plain', 'failed\n');
        });
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
      log.info({ event: 'admin_listening', host, port: (server.address() as AddressInfo).port });
      return server;
    },
    async stop(server) {
      // Probes and scrapes are safe to cut, and an idle keep-alive connection would hold the process.
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  });
}

async function sendReport(response: ServerResponse, probes: Probes): Promise<void> {
  const report = await probes.run();
  send(response, report.ok ? 200 : 503, 'application/json', `${JSON.stringify(report)}\n`);
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}
