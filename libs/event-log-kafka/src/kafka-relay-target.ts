import {
  EventLogError,
  partitionKey,
  type LogRecord,
  type Offsets,
  type RelayTarget,
} from '@sever/event-log';
import type { Admin, Kafka, Producer, RecordMetadata, TopicMessages } from 'kafkajs';
import { createKafkaClient, unavailable } from './kafka-client.js';
import { toMessage } from './kafka-record.js';
import type { KafkaConnection } from './kafka-settings.js';

/** All in-sync copies, and how long the leader waits for them. */
const ACKS_ALL = -1;
const ACK_TIMEOUT_MS = 10_000;

/**
 * Never inside the client: when one broker has answered and another has not, its second attempt leaves out what the first broker
 * leads by then, and still reports success. The relay sends the whole batch again.
 */
const NO_RETRIES = 0;

/** Kafka as the target of the relay. @param over how to open connections, for tests */
export function createKafkaRelayTarget(
  connection: KafkaConnection,
  over: Parameters<typeof createKafkaClient>[2] = {},
): RelayTarget & { close(): Promise<void> } {
  return new KafkaRelayTarget(createKafkaClient(connection, 'sever-relay', over));
}

/**
 * One producer with one request in flight. It is not idempotent: the client loses records silently when an acknowledgement is lost
 * in that mode. Readers drop repetitions by the log offset instead. A producer that failed is thrown away, since it may go on
 * asking a leader that is gone.
 */
class KafkaRelayTarget implements RelayTarget {
  private producer: Producer | undefined;
  private admin: Admin | undefined;
  private isSending = false;

  constructor(private readonly kafka: Kafka) {}

  identity(): Promise<string> {
    return this.ask(async admin => (await admin.describeCluster()).clusterId);
  }

  endOffsets(topic: string) {
    return this.ask(async admin => {
      const offsets = await admin.fetchTopicOffsets(topic);
      return new Map(
        offsets.map(o => [partitionKey({ topic, partition: o.partition }), BigInt(o.high)] as const),
      );
    });
  }

  async send(batch: readonly LogRecord[]): Promise<Offsets> {
    if (this.isSending)
      throw new EventLogError('log.unavailable', 'the relay sends one batch at a time; this is a second one');
    this.isSending = true;
    try {
      this.producer ??= await this.connectedProducer();
      const answers = await this.producer.sendBatch({
        acks: ACKS_ALL,
        timeout: ACK_TIMEOUT_MS,
        topicMessages: byTopic(batch),
      });
      return endsBehind(batch, answers);
    } catch (error) {
      const { producer } = this;
      this.producer = undefined;
      await producer?.disconnect().catch(() => undefined);
      throw unavailable('Kafka did not acknowledge a batch', error);
    } finally {
      this.isSending = false;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.producer?.disconnect(), this.admin?.disconnect()]).catch(() => undefined);
  }

  private async connectedProducer(): Promise<Producer> {
    const producer = this.kafka.producer({
      idempotent: false,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: { retries: NO_RETRIES },
      createPartitioner: () => placed,
    });
    await producer.connect();
    return producer;
  }

  private async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.admin ?? this.kafka.admin({ retry: { retries: 2, initialRetryTime: 100 } });
    try {
      if (!this.admin) await admin.connect();
      this.admin = admin;
      return await question(admin);
    } catch (error) {
      this.admin = undefined;
      await admin.disconnect().catch(() => undefined);
      throw unavailable('Kafka did not answer', error);
    }
  }
}

/** The log has decided about the partition already; the client must not. */
function placed({ message }: { message: { partition?: number | undefined } }): number {
  if (message.partition === undefined) throw new TypeError('a record without a partition');
  return message.partition;
}

/**
 * The offset behind the batch in each partition of it.
 * @throws Error when a partition of the batch was not acknowledged, whatever the client says
 */
function endsBehind(batch: readonly LogRecord[], answers: readonly RecordMetadata[]): Offsets {
  const bases = new Map(
    answers.map(a => [partitionKey({ topic: a.topicName, partition: a.partition }), a.baseOffset]),
  );
  return new Map(
    [...Map.groupBy(batch, partitionKey)].map(([key, records]) => {
      const base = bases.get(key);
      if (base === undefined) throw new Error(`no answer for ${key}`);
      return [key, BigInt(base) + BigInt(records.length)];
    }),
  );
}

function byTopic(batch: readonly LogRecord[]): TopicMessages[] {
  const topics = new Map<string, TopicMessages>();
  for (const record of batch) {
    const entry = topics.get(record.topic) ?? { topic: record.topic, messages: [] };
    topics.set(record.topic, entry);
    entry.messages.push(toMessage(record));
  }
  return [...topics.values()];
}
