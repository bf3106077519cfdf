import { postgresUrl, setting } from '@sever/config';
import { kafkaSettings } from '@sever/event-log-kafka';
import { z } from 'zod';

/** What `sever setup` reads from its environment. */
export const setupSettings = {
  databaseUrl: setting('DATABASE_URL', 'the database, as the role that owns it', postgresUrl, {
    secret: true,
  }),
  keysDir: setting(
    'SEVER_KEYS_DIR',
    'folder of the key-encryption keys; made, with a first key, where it is empty',
    z.string().min(1),
  ),
};

const { env, text, schema } = kafkaSettings.kafkaBrokers;

/** How `sever setup` reaches Kafka, as an administrator; without brokers it leaves Kafka alone. */
export const setupKafkaSettings = { ...kafkaSettings, kafkaBrokers: setting(env, text, schema.optional()) };
