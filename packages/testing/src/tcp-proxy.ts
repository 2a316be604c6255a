import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '@odometer/local-stack/tcp-port';

/** Chooses the request whose reply is lost, by the bytes that the client sent. */
export type RequestMatch = (request: Buffer) => boolean;

/**
 * A loopback proxy in front of a real server, for the failure that matters most: the server has
 * executed a request and its reply never arrives, so that the client cannot know.
 *
 * State: passing (at first) → dropReplies → dropping → pass → passing; refuse → refusing → pass.
 */
export interface TcpProxy {
  readonly port: number;
  /** Replies lost so far. */
  readonly dropped: number;
  /** The server's address with the proxy's port in place of its own. */
  url(serverUrl: string): string;
  /** Forwards everything, again. */
  pass(): void;
  /**
   * From now on a client that sends a matching request (any by default) gets no reply to it: the
   * server receives and executes it, and when it answers the client's connection is cut.
   * @param times how many replies are lost before it passes again.
   */
  dropReplies(options?: { readonly match?: RequestMatch; readonly times?: number }): void;
  /** As when a name comes to mean another machine: new connections go there, those that stand stay. */
  forwardTo(serverPort: number): void;
  /** Cuts what is connected and turns new connections away. */
  refuse(): void;
  close(): Promise<void>;
}

interface Drop {
  readonly match: RequestMatch;
  remaining: number;
}

/** Starts a proxy in front of a loopback port. */
export async function tcpProxy(firstPort: number): Promise<TcpProxy> {
  const clients = new Set<Socket>();
  let serverPort = firstPort;
  let refusing = false;
  let drop: Drop | undefined;
  let dropped = 0;

  /** The server keeps its side until it has read everything: only the client is cut off. */
  const loseReply = (client: Socket, upstream: Socket) => {
    dropped++;
    client.destroy();
    upstream.removeAllListeners('data').resume().end();
  };

  const join = (client: Socket) => {
    const upstream = connect(serverPort, '127.0.0.1');
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    clients.add(client);
    let losing = false;
    client.on('data', (chunk) => {
      if (drop !== undefined && drop.remaining > 0 && !losing && drop.match(chunk)) {
        losing = true;
        drop.remaining--;
      }
      if (!upstream.write(chunk)) {
        client.pause();
        upstream.once('drain', () => client.resume());
      }
    });
    upstream.on('data', (chunk) => {
      if (losing) loseReply(client, upstream);
      else if (!client.write(chunk)) {
        upstream.pause();
        client.once('drain', () => upstream.resume());
      }
    });
    client.on('end', () => upstream.end());
    upstream.on('end', () => client.end());
    client.on('close', () => {
      clients.delete(client);
      upstream.end();
    });
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  };

  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    if (refusing) client.destroy();
    else join(client);
  });
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const cutAll = () => {
    for (const client of clients) client.destroy();
  };
  return {
    port,
    get dropped() {
      return dropped;
    },
    url(serverUrl) {
      const changed = new URL(serverUrl);
      changed.port = String(port);
      return changed.href;
    },
    pass() {
      refusing = false;
      drop = undefined;
    },
    dropReplies({ match = () => true, times = Number.POSITIVE_INFINITY } = {}) {
      drop = { match, remaining: times };
    },
    forwardTo(port) {
      serverPort = port;
    },
    refuse() {
      refusing = true;
      cutAll();
    },
    async close() {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
