/**
 * Where in an ordered list a page ended: behind the resource with this id. `key` is the value that the list is sorted by, as the store's
 * text (null when it has none or there is no order but age), `createdAt` the store's text of its age. Whoever comes or goes meanwhile
 * moves nothing: the next page holds what lies behind the place.
 */
export type Place = { id: string; createdAt: string; key: string | null };
