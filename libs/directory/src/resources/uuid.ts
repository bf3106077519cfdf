const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text can be an id that was given out here: all are UUIDs. */
export const isUuid = (text: string): boolean => UUID.test(text);
