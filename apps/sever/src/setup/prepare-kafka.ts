import { loadConfig } from '@sever/config';
import { TOPICS } from '@sever/event-contracts';
import { EventLogError, PARTITIONS } from '@sever/event-log';
import { ensureKafkaTopics, grantOnKafka } from '@sever/event-log-kafka';
import { accessRules, pipelineUsers } from '@sever/kafka-cluster';
import { EXIT, SeverError } from '../sever-error.js';
import { setupKafkaSettings } from './setup-settings.js';

/**
 * Makes the topics on the brokers that KAFKA_BROKERS names, and lets every user do what it needs and nothing else: only the
 * relay writes, a connector reads requests in its own group. The users themselves are made with the brokers' own tools.
 * @returns names of the users that have rules now; none without KAFKA_BROKERS or without a user to be an administrator
 * @throws SeverError `log.unavailable`, `log.partition-mismatch`, `kafka.refused`
 */
export async function prepareKafka(instances: readonly string[], env?: NodeJS.ProcessEnv): Promise<string[]> {
  const { kafkaBrokers, ...access } = loadConfig(setupKafkaSettings, env);
  if (!kafkaBrokers) return [];
  const topics = TOPICS.map(topic => ({ topic, partitions: PARTITIONS }));
  try {
    await ensureKafkaTopics({ kafkaBrokers, ...access }, topics);
  } catch (error) {
    if (!(error instanceof EventLogError)) throw error;
    throw new SeverError(error.code, error.message, EXIT.unreachable);
  }
  const { kafkaUser: username } = access;
  // Brokers that ask nobody for a name have no rules either.
  if (username === undefined) return [];
  const users = pipelineUsers(instances);
  try {
    await grantOnKafka({ kafkaBrokers, ...access }, accessRules(users));
  } catch (error) {
    throw new SeverError(
      'kafka.refused',
      `the brokers did not take the access rules: ${error instanceof Error ? error.message : String(error)}; ` +
        `${username} must be an administrator, and the brokers need an authorizer`,
    );
  }
  return users.map(u => u.name);
}
