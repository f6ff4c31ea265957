import type { SyntaxNode } from '@lezer/common';
import { ParseError } from './ast.js';
import { parsePromDuration } from './duration.js';
import { parseNumber, unquote } from './literals.js';

/** Tells what the parser stumbled over; unclosed brackets and unknown functions in Prometheus' words. */
export function syntaxError(query: string, at: number): ParseError {
  const before = query.slice(0, at).trimEnd();
  const rest = query.slice(at).trim();
  const name = /[a-zA-Z_:][\w:]*$/.exec(before)?.[0];
  if (name !== undefined && rest.startsWith('(')) {
    return new ParseError(query, before.length - name.length, `unknown function with name ${JSON.stringify(name)}`);
  }
  if (rest !== '') return new ParseError(query, at, `unexpected ${JSON.stringify(rest.slice(0, 40))}`);
  return new ParseError(query, query.length, atEnd(query));
}

function atEnd(query: string): string {
  const open: string[] = [];
  for (const [token] of query.matchAll(/"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'|`[^`]*`|[()[\]{}]/g)) {
    if ('([{'.includes(token)) open.push(token);
    else if (')]}'.includes(token)) open.pop();
  }
  switch (open.at(-1)) {
    case '(':
      return 'unclosed left parenthesis';
    case '{':
      return 'unexpected end of input inside braces';
    case '[':
      return 'unexpected end of input in duration';
    default:
      return 'unexpected end of input';
  }
}

export function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling)
    if (child.name !== 'LineComment') found.push(child);
  return found;
}

/** Reads the leaves of a syntax tree: names, numbers, strings, durations. */
export class NodeReader {
  protected readonly query: string;

  constructor(query: string) {
    this.query = query;
  }

  protected labelNames(node: SyntaxNode): string[] {
    return children(node).map((part) => {
      if (part.name !== 'LabelName')
        throw new ParseError(this.query, part.from, 'unexpected string in grouping opts, expected label');
      return this.text(part);
    });
  }

  protected atTime(node: SyntaxNode): number | 'start' | 'end' {
    if (node.name === 'AtModifierPreprocessors') return /^start/i.test(this.text(node)) ? 'start' : 'end';
    const seconds = this.number(node);
    if (!Number.isFinite(seconds))
      throw new ParseError(this.query, node.from, 'timestamp out of bounds for @ modifier');
    return Math.round(seconds * 1000);
  }

  protected offset(node: SyntaxNode): number {
    const text = this.text(node).replace(/\s+/g, '');
    const sign = text.startsWith('-') ? -1 : 1;
    return sign * this.durationText(node, text.replace(/^[+-]/, ''));
  }

  protected duration(node: SyntaxNode): number {
    const ms = this.durationText(node, this.text(node).trim());
    if (ms === 0) throw new ParseError(this.query, node.from, 'duration must be greater than 0');
    return ms;
  }

  protected durationText(node: SyntaxNode, text: string): number {
    const ms = parsePromDuration(text);
    if (ms === undefined)
      throw new ParseError(this.query, node.from, `not a valid duration string: ${JSON.stringify(text)}`);
    return ms;
  }

  protected number(node: SyntaxNode): number {
    const value = parseNumber(this.text(node));
    if (value === undefined)
      throw new ParseError(this.query, node.from, `error parsing number: ${JSON.stringify(this.text(node))}`);
    return value;
  }

  protected string(node: SyntaxNode): string {
    const value = unquote(this.text(node));
    if (value === undefined) throw new ParseError(this.query, node.from, 'error unquoting string: invalid syntax');
    return value;
  }

  protected text(node: SyntaxNode): string {
    return this.query.slice(node.from, node.to);
  }

  protected need(node: SyntaxNode | null | undefined, parent: SyntaxNode): SyntaxNode {
    if (!node) throw syntaxError(this.query, parent.to);
    return node;
  }
}
