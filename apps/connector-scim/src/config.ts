import { z } from 'zod';

/** An address that only says where: HTTP, and neither a credential nor a query in it. */
const isPlain = (text: string): boolean => {
  const url = new URL(text);
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
};

/** Settings of one instance, kept in the registry. The token is a reference; its value is read at each call. */
export const scimSettingsSchema = z.strictObject({
  /** Base address of the SCIM service, without a trailing slash. */
  baseUrl: z
    .url({ protocol: /^https?$/, abort: true })
    .refine(isPlain, {
      error: 'must be an address without user, query or fragment; the token is a reference',
    })
    .transform(url => url.replace(/\/+$/, '')),
  /** `file:` or `env:` reference of the bearer token. */
  tokenRef: z.string().regex(/^(file|env):/),
  /** Most resources asked for per page. */
  pageSize: z.number().int().min(1).max(1_000).default(100),
  /** User names that are never touched, compared without case. */
  protectedUserNames: z.array(z.string()).default([]),
});
export type ScimSettings = z.infer<typeof scimSettingsSchema>;
