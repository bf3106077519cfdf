import type { DialectReading } from '../dialect/dialect-reading.js';
import { invalidFilter } from '../scim-error.js';
import { attribute, type Attribute, type ResourceType } from '../schema/attribute.js';
import { resolveNamedAmong, type AttributePath } from '../schema/attribute-path.js';
import { findSubAttribute } from '../schema/resource-schema.js';
import { leafOf, type CompareOperator, type Filter } from './filter-ast.js';
import { tokenize, type Token } from './filter-lexer.js';
import { checkFits, readLiteral } from './filter-literal.js';

export const FILTER_LENGTH_MAX = 4_096;
const DEPTH_MAX = 20;
const COMPARISONS_MAX = 100;
const OPERATORS: ReadonlySet<string> = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);

/** Resolves names: at the top against the resource type, inside brackets against one attribute. */
type Scope = (path: string) => AttributePath | undefined;

/**
 * Parses a filter against a resource type (RFC 7644 §3.4.2.2); `not` binds tighter than `and`, `and` tighter than `or`.
 * @param others types that are searched in the same request: their attributes have no value in resources of this type
 * @throws ScimError 400 `invalidFilter` for bad syntax, unknown attributes, operators that do not fit, and absurd sizes
 */
export function parseFilter(
  text: string,
  type: ResourceType,
  reading: DialectReading,
  others: readonly ResourceType[] = [],
): Filter {
  return new Parser(text, reading).parse(path => resolveNamedAmong([type, ...others], path, reading));
}

/** Parses what stands between the brackets of a value path. */
export function parseElementFilter(text: string, of: Attribute, reading: DialectReading): Filter {
  return new Parser(text, reading).parse(elementScope(of));
}

/**
 * Inside `emails[…]` names are sub-attributes; a simple multi-valued attribute offers `value`. `urn:…:name` is not a name there:
 * the brackets already say whose sub-attributes are meant.
 */
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

/** Inside `name[…]`: the sub-attributes of a one-valued attribute. */
function memberScope(path: AttributePath): Scope {
  return name => {
    const sub = findSubAttribute(path.attribute, name);
    return sub && { ...path, sub };
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
    if (!text.isWellFormed() || text.includes('\0'))
      throw invalidFilter('the filter holds a NUL character or half a surrogate pair');
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
    // An answer to "password sw …" would give the secret away letter by letter.
    if ((path.sub ?? path.attribute).returned === 'never')
      throw invalidFilter(`"${name.slice(0, 100)}" cannot be asked for`);
    if (this.peek()?.kind === '[') return this.element(path);
    return this.operation(path);
  }

  /** `path[…]` or `path[…].sub op value`; one-valued attributes need no element to be found. */
  private element(path: AttributePath): Filter {
    if (path.sub) throw invalidFilter(`"${path.sub.name}" has no elements to choose from`);
    const scope = path.attribute.multiValued ? elementScope(path.attribute) : memberScope(path);
    this.take('[');
    this.deeper();
    const inner = this.or(scope);
    this.take(']');
    this.depth -= 1;
    const filter = this.suffixed(inner, scope);
    return path.attribute.multiValued
      ? { kind: 'element', path, filter }
      : { kind: 'and', left: { kind: 'present', path }, right: filter };
  }

  private suffixed(filter: Filter, scope: Scope): Filter {
    const suffix = this.peek();
    if (suffix?.kind !== 'word' || !suffix.text.startsWith('.')) return filter;
    this.at += 1;
    const sub = scope(suffix.text.slice(1));
    if (!sub) throw invalidFilter(`the filter names the unknown attribute "${suffix.text.slice(1, 100)}"`);
    return { kind: 'and', left: filter, right: this.operation(sub) };
  }

  private operation(path: AttributePath): Filter {
    const operator = this.take('word').text.toLowerCase();
    if (operator === 'pr') return { kind: 'present', path };
    if (!OPERATORS.has(operator)) throw invalidFilter(`"${operator.slice(0, 40)}" is no filter operator`);
    const leaf = leafOf(path);
    const token = this.tokens[this.at];
    this.at += 1;
    const value = readLiteral(token, leaf, this.reading);
    checkFits(leaf, operator as CompareOperator, value);
    return { kind: 'compare', path, operator: operator as CompareOperator, value };
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
