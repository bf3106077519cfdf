import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { asyncApiDocument, eventJsonSchema } from './asyncapi.js';
import { parseEnvelope } from './event-codec.js';
import { isEventType } from './event-catalogue.js';

const specs = createRequire(import.meta.url)('@asyncapi/specs') as {
  schemasWithoutId: Record<string, object>;
};
const ajv = (): Ajv => {
  const instance = new Ajv({ strict: false, allErrors: true, logger: false });
  (addFormats as unknown as (a: Ajv) => void)(instance);
  return instance;
};

describe('the AsyncAPI document', () => {
  it('is valid AsyncAPI 3.0', () => {
    const validate = ajv().compile(specs.schemasWithoutId['3.0.0'] ?? {});
    expect(validate(asyncApiDocument()) ? [] : validate.errors).toEqual([]);
  });

  it('fails validation when it is broken', () => {
    const validate = ajv().compile(specs.schemasWithoutId['3.0.0'] ?? {});
    expect(validate({ ...asyncApiDocument(), channels: { requests: { messages: 7 } } })).toBe(false);
  });

  it('is the one in docs/ (npm run docs:generate)', () => {
    const committed: unknown = JSON.parse(
      readFileSync(new URL('../../../docs/asyncapi.json', import.meta.url), 'utf8'),
    );
    expect(committed).toEqual(JSON.parse(JSON.stringify(asyncApiDocument())));
  });

  it('describes every golden event', () => {
    const lines = readFileSync(new URL('../golden/events.jsonl', import.meta.url), 'utf8')
      .trimEnd()
      .split('\n');
    for (const line of lines) {
      const { type } = parseEnvelope(Buffer.from(line));
      if (!isEventType(type)) throw new Error(`unknown type ${type}`);
      const validate = ajv().compile(eventJsonSchema(type));
      expect([type, validate(JSON.parse(line)) ? [] : validate.errors]).toEqual([type, []]);
    }
  });
});
