import { z } from 'zod';

const json = (schema: object): object => ({ content: { 'application/json': { schema } } });
export const problem = {
  description: 'RFC 9457 problem details with a stable `code`',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};
export const answer = (status: string, description: string, schema: object = { type: 'object' }): object => ({
  [status]: { description, ...json(schema) },
  default: problem,
});
export const body = (schema: z.ZodType): object => ({ required: true, ...json(withoutDialect(schema)) });
export const parameter = (
  place: 'path' | 'query' | 'header',
  name: string,
  required = place === 'path',
): object => ({ in: place, name, required, schema: { type: 'string' } });

function withoutDialect(schema: z.ZodType): object {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
