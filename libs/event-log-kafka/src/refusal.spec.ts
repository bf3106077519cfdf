import { describe, expect, it } from '@jest/globals';
import { createRequire } from 'node:module';
import { unavailable } from './kafka-client.js';

const require = createRequire(import.meta.url);
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode: (code: number) => Error;
};
const afterRetries = (error: Error): Error => new Error(error.message, { cause: error });

/** The client's errors of a name, whose types take no message. */
const named = (name: string): Error => Object.assign(new Error('SASL PLAIN authentication failed'), { name });

describe('the error of a call to Kafka', () => {
  it.each([
    ['log.unauthenticated', named('KafkaJSSASLAuthenticationError')],
    ['log.unauthenticated', createErrorFromCode(33)],
    [
      'log.untrusted',
      Object.assign(new Error('self-signed certificate in certificate chain'), { code: 'X' }),
    ],
    ['log.unavailable', createErrorFromCode(5)],
    ['log.unavailable', new Error('connect ECONNREFUSED')],
  ])('is %s for %p, also after retries', (code, error) => {
    expect(unavailable('asked', error)).toMatchObject({ code });
    expect(unavailable('asked', afterRetries(error))).toMatchObject({ code });
    expect(unavailable('asked again', unavailable('asked', error))).toMatchObject({ code });
  });
});
