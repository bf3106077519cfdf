import { z } from 'zod';
import { encryptedFieldSchema } from '../encrypted-field.js';
import { doorSchema, factShape } from './request-data.js';

const resourceShape = {
  ...factShape,
  door: doorSchema,
  connection: z.string().min(1),
  resource: z.string().min(1),
};

/** Facts about a person's presence in identity providers. `identifiers` decrypts to JSON `{ userName, externalId? }`. */
export const subjectEvents = {
  'sever.subject.registered.v1': z.strictObject({
    ...resourceShape,
    identifiers: encryptedFieldSchema,
    active: z.boolean(),
  }),
  /** A new resource of another connection with the same userName: the same person. */
  'sever.subject.linked.v1': z.strictObject({
    ...resourceShape,
    identifiers: encryptedFieldSchema,
    active: z.boolean(),
  }),
  'sever.subject.identifiers-changed.v1': z.strictObject({
    ...resourceShape,
    identifiers: encryptedFieldSchema,
    attributes: z.array(z.string()),
  }),
  /** An ordinary update: the names of the changed attributes, never their values. */
  'sever.subject.updated.v1': z.strictObject({ ...resourceShape, attributes: z.array(z.string()) }),
  /** A DELETE that changed nothing but the directory, because the person is already opted out and closed. */
  'sever.subject.resource-removed.v1': z.strictObject(resourceShape),
};
