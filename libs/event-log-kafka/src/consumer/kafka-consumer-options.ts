import type { KafkaConfig } from 'kafkajs';
import type { KafkaConnection } from '../kafka-settings.js';

export type KafkaConsumerOptions = {
  connection: KafkaConnection;
  /** Shown by the brokers. */
  clientId: string;
  /** A member silent for longer loses its partitions, in milliseconds; the brokers accept 6,000 and more. */
  sessionTimeoutMs?: number;
  heartbeatMs?: number;
  /** Longest wait of a fetch for news, and of a consumer whose partitions are all paused, in milliseconds. */
  maxWaitMs?: number;
  /** Without progress for longer the subscription ends (`log.stalled`), in milliseconds. */
  stallMs?: number;
  onError?: (error: unknown) => void;
  /** Opens connections; tests put a proxy between. */
  socketFactory?: KafkaConfig['socketFactory'];
};

/** The options of a consumer, each with a value. */
export type ConsumerSettings = Required<Omit<KafkaConsumerOptions, 'socketFactory' | 'connection'>>;

export const consumerSettings = (o: KafkaConsumerOptions): ConsumerSettings => ({
  sessionTimeoutMs: 45_000,
  heartbeatMs: 3_000,
  maxWaitMs: 500,
  stallMs: 120_000,
  onError: () => undefined,
  ...o,
});
