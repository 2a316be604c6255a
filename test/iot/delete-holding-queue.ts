import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A way to SQS on which messages are handed out as always, and their deletion can be held up. */
export interface DeleteHoldingQueue {
  readonly url: string;
  /** Deletions that were held up, and will never be answered. */
  readonly held: number;
  /** From now on deletions hang. */
  hold(): void;
  pass(): void;
  /** Makes all that was ever handed out visible again, as the queue does when nobody was heard of for long enough. */
  handOutAgain(queueUrl: string): Promise<void>;
  close(): Promise<void>;
}

/** Stands between consumers and the emulator at `upstream`. */
export async function startDeleteHoldingQueue(upstream: string): Promise<DeleteHoldingQueue> {
  const receipts = new Set<string>();
  let holding = false;
  let held = 0;
  const call = async (operation: string, body: string): Promise<Response> =>
    fetch(upstream, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AmazonSQS.${operation}`,
      },
      body,
    });
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    if (holding && operation.startsWith('DeleteMessage')) {
      held += 1;
      return;
    }
    const answer = await call(operation, Buffer.concat(chunks).toString());
    const text = await answer.text();
    if (operation === 'ReceiveMessage') {
      const { Messages = [] } = JSON.parse(text) as { Messages?: { ReceiptHandle: string }[] };
      for (const { ReceiptHandle } of Messages) receipts.add(ReceiptHandle);
    }
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(text);
  };
  const server = createServer((request, response) => {
    // Either end may go away meanwhile.
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    get held() {
      return held;
    },
    hold() {
      holding = true;
    },
    pass() {
      holding = false;
    },
    async handOutAgain(queueUrl) {
      for (const ReceiptHandle of receipts) {
        const body = { QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout: 0 };
        // Of a message that is deleted the queue says no.
        await (await call('ChangeMessageVisibility', JSON.stringify(body))).text();
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
