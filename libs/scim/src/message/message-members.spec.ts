import { describe, expect, it } from '@jest/globals';
import { parseJson, type JsonObject } from '../json-value.js';
import { membersNamed, readMessage } from './message-members.js';

const SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

describe('the members of a message', () => {
  it('are found by name in any case, and others left out', () => {
    expect(membersNamed({ Op: 'add', PATH: 'x', other: 1 }, ['op', 'path', 'value'])).toEqual({
      op: 'add',
      path: 'x',
    });
  });

  it.each(['{"op":"add","Op":"remove"}', '{"OP":"add","op":"add"}'])('are refused twice: %s', text => {
    expect(() => membersNamed(parseJson(text) as JsonObject, ['op'])).toThrow(/"op" stands there twice/);
  });

  it('are read of a message that names its schema, in any case', () => {
    const body = { Schemas: ['urn:other', SCHEMA.toUpperCase()], operations: [] };
    expect(readMessage(body, SCHEMA, ['Operations'])).toEqual({ Operations: [] });
  });

  it.each(['{}', '[]', '5', 'null', '{"schemas":"x"}', '{"schemas":[]}', '{"schemas":["urn:other",5]}'])(
    'are not read of %s',
    text => {
      expect(() => readMessage(parseJson(text), SCHEMA, [])).toThrow(
        expect.objectContaining({ status: 400, scimType: 'invalidSyntax' }),
      );
    },
  );
});
