import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An operation of SQS by its name, e.g. `DeleteMessageBatch`, with its parameters; whoever returns true never answers it. */
export type SqsHook = (operation: string, parameters: Record<string, unknown>) => boolean;

/** In front of the emulator: lets a test see each call, change it, or leave it hanging as a broken network would. */
export class HookedSqs {
  readonly #server: Server;
  readonly #storeUrl: string;
  hook: SqsHook = () => false;

  private constructor(storeUrl: string) {
    this.#storeUrl = storeUrl;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async start(storeUrl: string): Promise<HookedSqs> {
    const hooked = new HookedSqs(storeUrl);
    await new Promise<void>((resolve) => hooked.#server.listen(0, '127.0.0.1', resolve));
    return hooked;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const parameters = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    const target = String(request.headers['x-amz-target']);
    if (this.hook(target.replace('AmazonSQS.', ''), parameters)) return;
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const answer = await fetch(this.#storeUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target },
      body: JSON.stringify(parameters),
      signal: gone.signal,
    });
    const body = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(body);
  }
}
