const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Whether a tenant or a connection can be called so: 1 to 63 lower-case letters, digits and hyphens. */
export const isRegistryId = (text: string): boolean => ID.test(text);
