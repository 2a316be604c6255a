import { createServer, type RequestListener, type Server } from 'node:http';
import { type Component, component } from '../component.ts';
import type { Logger } from '../logging.ts';

/** Longer than a load balancer keeps an idle connection (60 s is usual), or it would send into a closing one. */
const KEEP_ALIVE_MS = 65_000;
/** Slow senders hold a connection, not a worker; these bound how many a slow-loris attack can pile up. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How late either may be noticed. Node looks every 30 s if it is not told: a request could take a minute. */
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;

const CLOSE_IDLE_INTERVAL_MS = 50;

/** A service's public port. stop() refuses new connections and waits until every request is answered. */
export function publicPort(options: {
  readonly host: string;
  /** 0 takes any free one; the log's `listening` says which. */
  readonly port: number;
  readonly log: Logger;
  readonly onRequest: RequestListener;
}): Component {
  return component<Server>({
    name: 'http-server',
    async start() {
      const server = createServer(
        {
          keepAliveTimeout: KEEP_ALIVE_MS,
          headersTimeout: HEADERS_TIMEOUT_MS,
          requestTimeout: REQUEST_TIMEOUT_MS,
          connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
        },
        options.onRequest,
      );
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.host, resolve);
      });
      options.log.info({ event: 'listening', address: server.address() });
      return server;
    },
    async stop(server) {
      // A connection that was busy becomes idle, and would stay open for its keep-alive.
      const closing = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_INTERVAL_MS);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      clearInterval(closing);
    },
  });
}
