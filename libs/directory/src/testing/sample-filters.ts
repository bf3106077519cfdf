import { type Attribute } from '@sever/scim';
import fc from 'fast-check';
import { DATES, SAMPLE, SAMPLE_EXTENSION, TEXTS } from './sample-people.js';

const ORDERING = ['gt', 'ge', 'lt', 'le'];
const TEXTUAL = ['co', 'sw', 'ew'];

/** Operators that apply to a type. */
function operatorsOf(leaf: Attribute): string[] {
  if (leaf.type === 'boolean') return ['eq', 'ne'];
  if (leaf.type === 'binary') return ['eq', 'ne', ...TEXTUAL];
  if (leaf.type === 'string' || leaf.type === 'reference') return ['eq', 'ne', ...TEXTUAL, ...ORDERING];
  return ['eq', 'ne', ...ORDERING];
}

function literal(leaf: Attribute): fc.Arbitrary<string> {
  switch (leaf.type) {
    case 'boolean':
      return fc.constantFrom('true', 'false');
    case 'integer':
    case 'decimal':
      return fc.constantFrom('0', '1', '-1', '1.5', '1e21', '0.0000001', '9007199254740991', '10');
    case 'dateTime':
      return fc.constantFrom(...DATES, '2026-01-02T04:04:05.6780+01:00').map(date => `"${date}"`);
    default:
      return fc.constantFrom(...TEXTS).map(text => JSON.stringify(text));
  }
}

/** One comparison with a named attribute. */
function comparison(name: string, leaf: Attribute): fc.Arbitrary<string> {
  if (leaf.type === 'complex') return fc.constant(`${name} pr`);
  return fc.oneof(
    fc.constantFrom(`${name} pr`, `${name} eq null`, `${name} ne null`),
    fc
      .tuple(fc.constantFrom(...operatorsOf(leaf)), literal(leaf))
      .map(([operator, value]) => `${name} ${operator} ${value}`),
  );
}

const leafOf = (of: Attribute): Attribute =>
  of.type === 'complex' ? (of.subAttributes.find(sub => sub.name === 'value') ?? of) : of;

/** Comparisons with an attribute, its sub-attributes, or one of its elements. */
function about(prefix: string, of: Attribute, depth: number): fc.Arbitrary<string> {
  const name = `${prefix}${of.name}`;
  const subs = of.subAttributes.map(sub => comparison(`${name}.${sub.name}`, sub));
  const inner = of.multiValued || subs.length > 0 ? [valuePath(name, of, depth)] : [];
  return fc.oneof(comparison(name, leafOf(of)), ...subs, ...inner, ...inner);
}

function valuePath(name: string, of: Attribute, depth: number): fc.Arbitrary<string> {
  const names =
    of.subAttributes.length > 0 ? of.subAttributes : [{ ...of, name: 'value', multiValued: false }];
  const atom = fc.oneof(...names.map(sub => comparison(sub.name, sub)));
  const filter = logic(atom, depth);
  const simple = names.filter(sub => sub.type !== 'complex');
  return fc.oneof(
    filter.map(f => `${name}[${f}]`),
    fc
      .tuple(filter, fc.oneof(...simple.map(sub => comparison(sub.name, sub))))
      .map(([f, suffix]) => `${name}[${f}].${suffix}`),
  );
}

/** Atoms under and, or, not and parentheses. */
function logic(atom: fc.Arbitrary<string>, depth: number): fc.Arbitrary<string> {
  if (depth === 0) return atom;
  const part = logic(atom, depth - 1);
  return fc.oneof(
    { weight: 2, arbitrary: atom },
    { weight: 1, arbitrary: part.map(p => `not (${p})`) },
    { weight: 1, arbitrary: fc.tuple(part, part).map(([a, b]) => `${a} and ${b}`) },
    { weight: 1, arbitrary: fc.tuple(part, part).map(([a, b]) => `(${a}) or ${b}`) },
  );
}

const CORE = [
  'userName',
  'displayName',
  'title',
  'profileUrl',
  'name',
  'active',
  'emails',
  'roles',
  'photos',
];
const common = [
  comparison('externalId', { ...leaf('string'), caseExact: true }),
  comparison('id', { ...leaf('string'), caseExact: true }),
  comparison('meta.created', leaf('dateTime')),
  comparison('meta.resourceType', leaf('string')),
];

function leaf(type: Attribute['type']): Attribute {
  const some = SAMPLE.schema.attributes[0];
  if (!some) throw new Error('the sample type has no attributes');
  return { ...some, type, subAttributes: [] };
}

/** Any filter that the sample type understands. */
export const filterText: fc.Arbitrary<string> = logic(
  fc.oneof(
    ...common,
    ...SAMPLE.schema.attributes.filter(a => CORE.includes(a.name)).map(a => about('', a, 1)),
    ...(SAMPLE.extensions[1]?.attributes ?? []).map(a => about(`${SAMPLE_EXTENSION}:`, a, 1)),
  ),
  2,
);

/** Every path by which resources can be sorted. */
export const SORTABLE: readonly string[] = [
  'id',
  'externalId',
  'meta.created',
  ...paths(
    '',
    SAMPLE.schema.attributes.filter(a => CORE.includes(a.name)),
  ),
  ...paths(`${SAMPLE_EXTENSION}:`, SAMPLE.extensions[1]?.attributes ?? []),
];

function paths(prefix: string, attributes: readonly Attribute[]): string[] {
  return attributes.flatMap(a => [
    ...(leafOf(a).type === 'complex' ? [] : [`${prefix}${a.name}`]),
    ...a.subAttributes.map(sub => `${prefix}${a.name}.${sub.name}`),
  ]);
}
