import kafkajs, { type Admin } from 'kafkajs';
import { askBroker, compactLength, compactText, int32, int8, NO_TAGS, text } from './broker-request.js';
import { viewOf, type BrokerView } from './broker-view.js';

const FIND_COORDINATOR = { api: 10, version: 2, isFlexible: false };
const DESCRIBE_QUORUM = { api: 55, version: 0, isFlexible: true };
const METADATA_TOPIC = '__cluster_metadata';

/** Which broker does what, as the cluster itself says. A broker that hangs is asked for nothing. */
export class Roles {
  constructor(readonly brokers: readonly string[]) {}

  /** Leader of a partition, of what the brokers say in the newest epoch: one that hung believes in the past for a while. */
  async leaderOf(topic: string, partition: number): Promise<number> {
    const views = await this.views([topic]);
    const said = views.flatMap(v => v.topics.get(topic)?.filter(p => p.partition === partition) ?? []);
    const newest = said.reduce((a, b) => (b.epoch > a.epoch ? b : a));
    if (newest.leader < 0) throw new Error(`${topic}/${partition} has no leader`);
    return newest.leader;
  }

  /** Leader of the quorum. What clients see as the controller is any broker; only this answer tells. */
  controller(): Promise<number> {
    const partition = Buffer.concat([compactLength(1), int32(0), NO_TAGS]);
    const topics = Buffer.concat([compactLength(1), compactText(METADATA_TOPIC), partition, NO_TAGS]);
    return this.first(async broker => {
      const answer = await askBroker(broker, {
        ...DESCRIBE_QUORUM,
        body: Buffer.concat([topics, NO_TAGS]),
      });
      // Error, one topic with its name, one partition with its number and error, then the leader.
      const partitionAt = 2 + 1 + 1 + METADATA_TOPIC.length + 1;
      const errors = [answer.readInt16BE(0), answer.readInt16BE(partitionAt + 4)];
      if (errors.some(e => e !== 0)) throw new Error(`no controller is known: errors ${errors.join(', ')}`);
      return answer.readInt32BE(partitionAt + 6);
    });
  }

  /** Broker that keeps a group. */
  coordinatorOf(group: string): Promise<number> {
    const body = Buffer.concat([text(group), int8(0)]);
    return this.first(async broker => {
      const answer = await askBroker(broker, { ...FIND_COORDINATOR, body });
      const error = answer.readInt16BE(4);
      if (error !== 0) throw new Error(`no coordinator of ${group} is known: error ${error}`);
      const said = answer.readInt16BE(6);
      return answer.readInt32BE(8 + Math.max(0, said));
    });
  }

  /** Ids of the members of a group. */
  async membersOf(group: string): Promise<string[]> {
    return this.ask(async admin => {
      const { groups } = await admin.describeGroups([group]);
      return (groups[0]?.members ?? []).map(m => m.memberId);
    });
  }

  /** Whether every broker answers, and says that all are members and that every partition has all its copies in sync. */
  async isWhole(topics: readonly string[]): Promise<boolean> {
    const all = this.brokers.length;
    const views = await this.views(topics);
    const isWhole = ({ members, topics: known }: BrokerView): boolean =>
      members.length === all &&
      topics.every(topic => known.get(topic)?.every(p => p.leader >= 0 && p.inSync === p.copies));
    return views.length === all && views.every(isWhole);
  }

  /** What those brokers believe that answer. @throws AggregateError when none does */
  private async views(topics: readonly string[]): Promise<BrokerView[]> {
    const answers = await Promise.allSettled(this.brokers.map(broker => viewOf(broker, topics)));
    const given = answers.filter(a => a.status === 'fulfilled');
    if (given.length === 0) throw new AggregateError(reasonsOf(answers));
    return given.map(a => a.value);
  }

  private async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new kafkajs.Kafka({
      brokers: [...this.brokers],
      connectionTimeout: 2_000,
      requestTimeout: 4_000,
      retry: { retries: 3, initialRetryTime: 200 },
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    try {
      await admin.connect();
      return await question(admin);
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  private async first<T>(question: (broker: string) => Promise<T>): Promise<T> {
    const answers = await Promise.allSettled(this.brokers.map(question));
    const given = answers.find(a => a.status === 'fulfilled');
    if (given) return given.value;
    throw new AggregateError(reasonsOf(answers));
  }
}

const reasonsOf = (answers: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  answers.flatMap(a => (a.status === 'rejected' ? [(a.reason as Error).message] : []));
