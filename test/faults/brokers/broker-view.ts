import { askBroker, int32, int8, text } from './broker-request.js';

/** Kafka protocol guide, Metadata API: the first version that tells the epoch of each leader, without flexible lengths. */
const METADATA = { api: 3, version: 7, isFlexible: false };

export type PartitionView = {
  partition: number;
  leader: number;
  epoch: number;
  copies: number;
  inSync: number;
};
/** What one broker believes of the cluster; another may already know better. */
export type BrokerView = { members: number[]; topics: Map<string, PartitionView[]> };

/** Asks one broker what it believes, of its members and of these topics, whether or not their partitions have leaders. */
export async function viewOf(broker: string, topics: readonly string[]): Promise<BrokerView> {
  const body = Buffer.concat([int32(topics.length), ...topics.map(text), int8(0)]);
  const answer = new Answer(await askBroker(broker, { ...METADATA, body }));
  answer.int32();
  const members = answer.list(() => {
    const id = answer.int32();
    answer.text();
    answer.int32();
    answer.text();
    return id;
  });
  answer.text();
  answer.int32();
  return { members, topics: new Map(answer.list(() => topic(answer))) };
}

function topic(answer: Answer): [string, PartitionView[]] {
  const error = answer.int16();
  const name = answer.text();
  if (error !== 0) throw new Error(`nothing is known of ${name}: error ${error}`);
  answer.int8();
  return [name, answer.list(() => partition(answer))];
}

function partition(answer: Answer): PartitionView {
  // An error here says that there is no leader; the leader says so too.
  answer.int16();
  const [id, leader, epoch] = [answer.int32(), answer.int32(), answer.int32()];
  const [copies, inSync] = [answer.list(() => answer.int32()), answer.list(() => answer.int32())];
  answer.list(() => answer.int32());
  return { partition: id, leader, epoch, copies: copies.length, inSync: inSync.length };
}

/** Reads one field after the other. */
class Answer {
  private at = 0;
  constructor(private readonly bytes: Buffer) {}

  int8(): number {
    return this.bytes.readInt8((this.at += 1) - 1);
  }

  int16(): number {
    return this.bytes.readInt16BE((this.at += 2) - 2);
  }

  int32(): number {
    return this.bytes.readInt32BE((this.at += 4) - 4);
  }

  text(): string {
    const length = Math.max(0, this.int16());
    return this.bytes.toString('utf8', this.at, (this.at += length));
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }
}
