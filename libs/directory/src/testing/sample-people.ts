import {
  USER,
  attribute,
  isObject,
  plural,
  type Attribute,
  type JsonObject,
  type ResourceType,
} from '@sever/scim';
import fc from 'fast-check';

export const SAMPLE_EXTENSION = 'urn:example:params:scim:schemas:extension:sample:2.0:User';

/** Users with an extension that has an attribute of every type. */
export const SAMPLE: ResourceType = {
  ...USER,
  extensions: [
    ...USER.extensions,
    {
      id: SAMPLE_EXTENSION,
      name: 'Sample',
      description: 'An attribute of every type',
      attributes: [
        attribute('level', 'A whole number', { type: 'integer' }),
        attribute('ratio', 'A number', { type: 'decimal' }),
        attribute('since', 'A date', { type: 'dateTime' }),
        attribute('remote', 'A boolean', { type: 'boolean' }),
        attribute('badge', 'Exact text', { caseExact: true }),
        attribute('photo', 'Bytes', { type: 'binary' }),
        attribute('tags', 'Several texts', { multiValued: true }),
        attribute('scores', 'Several numbers', { type: 'integer', multiValued: true }),
        attribute('desks', 'Places with several names', {
          multiValued: true,
          sub: [
            attribute('names', 'Names', { multiValued: true }),
            attribute('floor', 'Floor', { type: 'integer' }),
            ...plural(),
          ],
        }),
        attribute('chief', 'One complex value', {
          sub: [
            attribute('value', 'Id', { caseExact: true }),
            attribute('rank', 'Rank', { type: 'decimal' }),
          ],
        }),
      ],
    },
  ],
};

/** Few texts, so that many are equal but for case, normalisation, wildcards or a prefix. */
export const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'Ab',
  'a%b',
  'a_b',
  'a\\b',
  'a"b',
  'é',
  'É',
  'e\u0301',
  'İ',
  'i\u0307',
  'ΑΣ',
  'ας',
  'ασ',
  'ß',
  'SS',
  '\uffff',
  '\u{1f600}',
  'work',
  'home',
  ' a',
  "a'b",
  '$1',
  'true',
  'null',
];
export const DATES = [
  '2026-01-02T03:04:05.678Z',
  '2026-01-02T03:04:05.679Z',
  '0001-12-31T23:59:59.999Z',
  '9999-12-31T00:00:00.000Z',
];
const text = fc.constantFrom(...TEXTS);
const number = fc.constantFrom(0, 1, -1, 2, 10, 1.5, -0.25, 1e21, 1e-7, 9007199254740991);
const whole = fc.constantFrom(0, 1, -1, 2, 10, 9007199254740991);

function single(of: Attribute): fc.Arbitrary<JsonObject[string]> {
  switch (of.type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return whole;
    case 'decimal':
      return number;
    case 'dateTime':
      return fc.constantFrom(...DATES);
    case 'complex':
      return members(of.subAttributes);
    default:
      return text;
  }
}

const value = (of: Attribute): fc.Arbitrary<JsonObject[string]> =>
  of.multiValued ? fc.array(single(of), { minLength: 1, maxLength: 3 }).map(onePrimary) : single(of);

/** At most one element is primary. */
function onePrimary(elements: JsonObject[string][]): JsonObject[string][] {
  const first = elements.find(element => isObject(element) && element.primary === true);
  return elements.map(element =>
    isObject(element) && element.primary === true && element !== first
      ? { ...element, primary: false }
      : element,
  );
}

/** Objects with some of the attributes, in canonical form: nothing empty but texts. */
export const members = (attributes: readonly Attribute[]): fc.Arbitrary<JsonObject> =>
  fc
    .record(Object.fromEntries(attributes.map(a => [a.name, value(a)])), { requiredKeys: [] })
    .map(made =>
      Object.fromEntries(
        Object.entries(made).filter(
          (entry): entry is [string, JsonObject[string]] =>
            entry[1] !== undefined &&
            (typeof entry[1] !== 'object' || Object.keys(entry[1] ?? {}).length > 0),
        ),
      ),
    );

/** Attributes of a sample person; the rest of the schema is the same to the code. */
const chosen = ['displayName', 'title', 'profileUrl', 'name', 'emails', 'roles', 'photos'];

/** A person's document as clients see it. */
export const person: fc.Arbitrary<JsonObject> = fc
  .tuple(
    members(USER.schema.attributes.filter(a => chosen.includes(a.name))),
    members(SAMPLE.extensions[1]?.attributes ?? []),
    fc.record(
      { externalId: text.filter(t => t !== ''), active: fc.boolean(), userName: text.filter(t => t !== '') },
      { requiredKeys: ['active', 'userName'] },
    ),
    fc.uuid(),
    fc.constantFrom(...DATES.slice(0, 3)),
  )
  .map(([core, extension, own, id, created]) => ({
    ...core,
    ...own,
    ...(Object.keys(extension).length > 0 && { [SAMPLE_EXTENSION]: extension }),
    id,
    meta: { resourceType: 'User', created },
  }));
