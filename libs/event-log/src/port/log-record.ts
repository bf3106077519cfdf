/** One partition of one topic. */
export type TopicPartition = { topic: string; partition: number };

/** Key of a partition in maps: `topic/partition`. */
export type PartitionKey = `${string}/${number}`;

/** Made once per partition: it is asked for several times per record, and a map finds a string that it has seen faster. */
const partitionKeys = new Map<string, PartitionKey[]>();

export function partitionKey({ topic, partition }: TopicPartition): PartitionKey {
  let ofTopic = partitionKeys.get(topic);
  if (!ofTopic) partitionKeys.set(topic, (ofTopic = []));
  return (ofTopic[partition] ??= `${topic}/${partition}`);
}

/** The *next* offset to read, per partition. */
export type Offsets = ReadonlyMap<PartitionKey, bigint>;

/** A record on its way into the log. `value` is the exact bytes of the complete event. */
export type NewRecord = {
  topic: string;
  key: string;
  eventId: string;
  type: string;
  headers: Readonly<Record<string, string>>;
  value: Buffer;
};

/**
 * A record read from the log. `offset` belongs to the subscription's profile and may have gaps;
 * `(topic, partition, logOffset)` is the record's identity everywhere. `timestamp` is the log's, in milliseconds.
 */
export type LogRecord = TopicPartition & {
  offset: bigint;
  logOffset: bigint;
  key: string;
  type: string;
  headers: Readonly<Record<string, string>>;
  value: Buffer;
  timestamp: number;
};
