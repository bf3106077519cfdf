import type { DialectReading } from '../dialect/dialect.js';
import { invalidFilter } from '../scim-error.js';
import { attribute, type Attribute, type ResourceType } from '../schema/attribute.js';
import { resolvePath, type AttributePath } from '../schema/attribute-path.js';
import { findSubAttribute } from '../schema/resource-schema.js';
import { tokenize, type Token } from './filter-lexer.js';
import type { CompareOperator, Filter, Literal } from './filter-ast.js';

export const FILTER_LENGTH_MAX = 4_096;
const DEPTH_MAX = 20;
const COMPARISONS_MAX = 100;
const OPERATORS: ReadonlySet<string> = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);
const ORDERING: ReadonlySet<string> = new Set(['gt', 'ge', 'lt', 'le']);
const TEXT_ONLY: ReadonlySet<string> = new Set(['co', 'sw', 'ew']);

/** Resolves names: at the top against the resource type, inside brackets against one attribute. */
type Scope = (path: string) => AttributePath | undefined;

/**
 * Parses a filter against a resource type (RFC 7644 §3.4.2.2); `not` binds tighter than `and`, `and` tighter than `or`.
 * @throws ScimError 400 `invalidFilter` for bad syntax, unknown attributes, operators that do not fit, and absurd sizes
 */
export function parseFilter(text: string, type: ResourceType, reading: DialectReading): Filter {
  return new Parser(text, reading).parse(path => resolvePath(type, path));
}

/** Parses what stands between the brackets of a value path. */
export function parseElementFilter(text: string, of: Attribute, reading: DialectReading): Filter {
  return new Parser(text, reading).parse(elementScope(of));
}

/** Inside `emails[…]` names are sub-attributes; a simple multi-valued attribute offers `value`. */
function elementScope(of: Attribute): Scope {
  return path => {
    if (of.type !== 'complex' && path.toLowerCase() === 'value')
      return {
        extension: undefined,
        attribute: attribute('value', of.description, { type: of.type, caseExact: of.caseExact }),
        sub: undefined,
      };
    const sub = findSubAttribute(of, path);
    return sub && { extension: undefined, attribute: sub, sub: undefined };
  };
}

class Parser {
  private readonly tokens: Token[];
  private at = 0;
  private depth = 0;
  private comparisons = 0;

  constructor(
    text: string,
    private readonly reading: DialectReading,
  ) {
    if (text.length > FILTER_LENGTH_MAX)
      throw invalidFilter(`the filter is longer than ${FILTER_LENGTH_MAX} characters`);
    this.tokens = tokenize(text);
  }

  parse(scope: Scope): Filter {
    const filter = this.or(scope);
    if (this.at < this.tokens.length)
      throw invalidFilter(`unexpected "${this.peek()?.text ?? ''}" in the filter`);
    return filter;
  }

  private or(scope: Scope): Filter {
    let left = this.and(scope);
    while (this.takeWord('or')) left = { kind: 'or', left, right: this.and(scope) };
    return left;
  }

  private and(scope: Scope): Filter {
    let left = this.term(scope);
    while (this.takeWord('and')) left = { kind: 'and', left, right: this.term(scope) };
    return left;
  }

  private term(scope: Scope): Filter {
    if (this.peek()?.kind === '(') return this.parenthesised(scope);
    const next = this.tokens[this.at + 1];
    if (this.peek()?.kind === 'word' && this.peek()?.text.toLowerCase() === 'not' && next?.kind === '(') {
      this.at += 1;
      return { kind: 'not', filter: this.parenthesised(scope) };
    }
    return this.comparison(scope);
  }

  private parenthesised(scope: Scope): Filter {
    this.take('(');
    this.deeper();
    const filter = this.or(scope);
    this.take(')');
    this.depth -= 1;
    return filter;
  }

  private comparison(scope: Scope): Filter {
    this.comparisons += 1;
    if (this.comparisons > COMPARISONS_MAX)
      throw invalidFilter(`the filter has more than ${COMPARISONS_MAX} comparisons`);
    const name = this.take('word').text;
    const path = scope(name);
    if (!path) throw invalidFilter(`the filter names the unknown attribute "${name.slice(0, 100)}"`);
    if (this.peek()?.kind === '[') return this.element(path);
    return this.operation(path);
  }

  private element(path: AttributePath): Filter {
    this.take('[');
    this.deeper();
    const filter = this.or(elementScope(path.attribute));
    this.take(']');
    this.depth -= 1;
    const suffix = this.peek();
    if (suffix?.kind !== 'word' || !suffix.text.startsWith('.')) return { kind: 'element', path, filter };
    this.at += 1;
    const sub = elementScope(path.attribute)(suffix.text.slice(1));
    if (!sub) throw invalidFilter(`the filter names the unknown attribute "${suffix.text.slice(1, 100)}"`);
    return { kind: 'element', path, filter: { kind: 'and', left: filter, right: this.operation(sub) } };
  }

  private operation(path: AttributePath): Filter {
    const operator = this.take('word').text.toLowerCase();
    if (operator === 'pr') return { kind: 'present', path };
    if (!OPERATORS.has(operator)) throw invalidFilter(`"${operator.slice(0, 40)}" is no filter operator`);
    const leaf = path.sub ?? leafOf(path.attribute);
    const value = this.literal(leaf);
    checkFits(leaf, operator, value);
    return { kind: 'compare', path, operator: operator as CompareOperator, value };
  }

  private literal(leaf: Attribute): Literal {
    const token = this.tokens[this.at];
    this.at += 1;
    if (token?.kind === 'string') return this.stringFor(leaf, token.text);
    if (token?.kind !== 'word') throw invalidFilter('a comparison in the filter has no value');
    const lower = token.text.toLowerCase();
    if (lower === 'true' || lower === 'false')
      return leaf.type === 'boolean' ? lower === 'true' : this.bare(token.text);
    if (lower === 'null') return null;
    if (/^-?[0-9]+(\.[0-9]+)?$/.test(token.text) && (leaf.type === 'integer' || leaf.type === 'decimal'))
      return Number(token.text);
    return this.bare(token.text);
  }

  private stringFor(leaf: Attribute, text: string): Literal {
    if (leaf.type !== 'boolean') return text;
    const lower = text.toLowerCase();
    if ((lower === 'true' || lower === 'false') && this.reading.grants('loose-filter-literal'))
      return lower === 'true';
    throw invalidFilter(`"${leaf.name}" is a boolean; write true or false without quotes`);
  }

  private bare(text: string): string {
    if (!this.reading.grants('loose-filter-literal'))
      throw invalidFilter(`the value ${text.slice(0, 40)} must be in double quotes`);
    return text;
  }

  private deeper(): void {
    this.depth += 1;
    if (this.depth > DEPTH_MAX) throw invalidFilter(`the filter is nested deeper than ${DEPTH_MAX} levels`);
  }

  private peek(): Token | undefined {
    return this.tokens[this.at];
  }

  private take(kind: Token['kind']): Token {
    const token = this.tokens[this.at];
    if (token?.kind !== kind)
      throw invalidFilter(
        `the filter needs ${kind === 'word' ? 'a name or operator' : kind} at token ${this.at + 1}`,
      );
    this.at += 1;
    return token;
  }

  private takeWord(word: string): boolean {
    const token = this.peek();
    if (token?.kind !== 'word' || token.text.toLowerCase() !== word) return false;
    this.at += 1;
    return true;
  }
}

/** A comparison with a complex attribute means its `value`. */
export const leafOf = (of: Attribute): Attribute =>
  of.type === 'complex' ? (findSubAttribute(of, 'value') ?? of) : of;

function checkFits(leaf: Attribute, operator: string, value: Literal): void {
  if (leaf.type === 'complex')
    throw invalidFilter(`"${leaf.name}" is complex; name one of its sub-attributes`);
  if (ORDERING.has(operator) && (leaf.type === 'boolean' || leaf.type === 'binary'))
    throw invalidFilter(`"${operator}" does not apply to the ${leaf.type} attribute "${leaf.name}"`);
  if (TEXT_ONLY.has(operator) && typeof value !== 'string')
    throw invalidFilter(`"${operator}" needs a string`);
  if (value !== null && leaf.type === 'boolean' && typeof value !== 'boolean')
    throw invalidFilter(`"${leaf.name}" is a boolean`);
  if (leaf.type === 'dateTime' && typeof value === 'string' && Number.isNaN(Date.parse(value)))
    throw invalidFilter(`"${leaf.name}" is compared with something that is no date`);
}
