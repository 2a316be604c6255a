import type { TopicTemplate } from '@odometer/domain/topic-template';
import type { BatchProducer } from '@odometer/intake/batch-producer';
import type { IntakeBooks } from '@odometer/intake/intake-books';
import type { IdentifiedMessage } from '@odometer/queues/catalogue';
import { type IotRejection, readRuleMessage } from './read-rule-message.ts';

/**
 * What the ids are unique within. One name for all accounts, regions and queues: AWS makes each id for one message and never
 * again, and two queues that one rule feeds, or one that replaces another, then count a message once together.
 */
export const ORIGIN = 'aws-iot';

/** Takes messages in, one by one, as a queue hands them out. */
export class IotIntake {
  readonly #template: TopicTemplate;
  readonly #perDevice: boolean;
  readonly #books: IntakeBooks<IotRejection>;
  readonly #producer: Pick<BatchProducer<IdentifiedMessage>, 'add'>;
  #acceptedBytes = 0;

  constructor(options: {
    readonly template: TopicTemplate;
    readonly perDevice: boolean;
    readonly books: IntakeBooks<IotRejection>;
    readonly producer: Pick<BatchProducer<IdentifiedMessage>, 'add'>;
  }) {
    this.#template = options.template;
    this.#perDevice = options.perDevice;
    this.#books = options.books;
    this.#producer = options.producer;
  }

  /** Topic and payload bytes of messages that became durable. */
  get acceptedBytes(): number {
    return this.#acceptedBytes;
  }

  /**
   * Resolves when the message may be forgotten: its batch is durable, or it counts for nobody, now and whenever it would come
   * again, as a message of a broker that is rejected is acknowledged.
   *
   * @throws what the producer throws: the message is to come again, and counts once if it is durable all the same.
   */
  async handle({ body }: { readonly body: string }): Promise<void> {
    const message = readRuleMessage(body, this.#template, this.#perDevice, Date.now());
    if (typeof message === 'string') {
      this.#books.reject(message);
      return;
    }
    await this.#producer.add([message]);
    this.#acceptedBytes += message.sizeBytes;
  }
}
