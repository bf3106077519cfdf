import { describe, expect, it } from '@jest/globals';
import { ConfigError, loadConfig } from '@sever/config';
import { DataSource } from 'typeorm';
import { connectEventLog, eventLogSettings } from './connect-event-log.js';

const connect = (env: NodeJS.ProcessEnv) =>
  connectEventLog({
    settings: loadConfig(eventLogSettings, env),
    dataSource: new DataSource({ type: 'postgres' }),
    databaseUrl: 'postgres://127.0.0.1/none',
    applicationName: 'spec',
  });

describe('the choice of a log', () => {
  it('is PostgreSQL unless told otherwise, and needs nothing of Kafka', () => {
    expect(connect({}).constructor.name).toBe('PostgresEventLogConsumer');
    expect(connect({ SEVER_PROFILE: 'embedded' }).constructor.name).toBe('PostgresEventLogConsumer');
  });

  it('is Kafka for the profile kafka, which must name brokers', () => {
    const kafka = { SEVER_PROFILE: 'kafka', KAFKA_BROKERS: '127.0.0.1:9092,127.0.0.2:9092' };
    expect(connect(kafka).constructor.name).toBe('KafkaEventLogConsumer');
    expect(() => connect({ SEVER_PROFILE: 'kafka' })).toThrow(/KAFKA_BROKERS/);
  });

  it.each([
    [{ SEVER_PROFILE: 'pigeon' }, /SEVER_PROFILE/],
    [{ SEVER_PROFILE: 'kafka', KAFKA_BROKERS: 'no port' }, /KAFKA_BROKERS/],
    [{ SEVER_PROFILE: 'kafka', KAFKA_BROKERS: 'a:1', KAFKA_USERNAME: 'relay' }, /kafka\.password-missing/],
  ])('refuses %j', (env, message) => {
    expect(() => connect(env)).toThrow(ConfigError);
    expect(() => connect(env)).toThrow(message);
  });
});
