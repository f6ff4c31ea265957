import type { SyntaxNode } from '@lezer/common';
import { METRIC_NAME } from '../labels.js';
import { type Matcher, type MatchOperator, makeMatcher } from '../matchers.js';
import { type Aggregation, type Expr, ParseError, type VectorSelector } from './ast.js';
import { children, NodeReader } from './nodes.js';

/** Reads the operands of expressions: literals, selectors, calls, aggregations and what stands in parentheses. */
export abstract class OperandReader extends NodeReader {
  /** A whole expression, at the given depth of nesting. */
  abstract expr(node: SyntaxNode, depth: number): Expr;

  protected operand(node: SyntaxNode, depth: number): Expr {
    const inner = (of: SyntaxNode | undefined): Expr => this.expr(this.need(of, node), depth + 1);
    const parts = children(node);
    switch (node.name) {
      case 'NumberDurationLiteral':
        return { kind: 'number', value: this.number(node) };
      case 'StringLiteral':
        return { kind: 'string', value: this.string(node) };
      case 'ParenExpr':
        return { kind: 'paren', inner: inner(parts[0]) };
      case 'VectorSelector':
        return this.selector(node, parts);
      case 'FunctionCall': {
        const [identifier, body] = parts;
        const args = children(this.need(body, node)).map((arg) => inner(arg));
        return { kind: 'call', name: this.text(this.need(identifier, node)), args };
      }
      case 'AggregateExpr':
        return this.aggregate(node, parts, inner);
      default:
        throw new ParseError(this.query, node.from, `unexpected ${JSON.stringify(this.text(node).slice(0, 40))}`);
    }
  }

  private aggregate(node: SyntaxNode, parts: SyntaxNode[], inner: (of: SyntaxNode | undefined) => Expr): Expr {
    const op = this.text(this.need(parts[0], node)).toLowerCase() as Aggregation;
    const modifier = parts.find((part) => part.name === 'AggregateModifier');
    const args = children(
      this.need(
        parts.find((part) => part.name === 'FunctionCallBody'),
        node,
      ),
    ).map((arg) => inner(arg));
    const wanted = ['topk', 'bottomk', 'quantile', 'count_values'].includes(op) ? 2 : 1;
    const operand = args.at(-1);
    if (args.length !== wanted || !operand) {
      if (args.length === 0)
        throw new ParseError(this.query, node.from, 'no arguments for aggregate expression provided');
      throw new ParseError(
        this.query,
        node.from,
        `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
      );
    }
    const [kind, grouping] = modifier ? children(modifier) : [];
    return {
      kind: 'aggregate',
      op,
      param: wanted === 2 ? args[0] : undefined,
      inner: operand,
      without: kind?.name === 'Without',
      labels: grouping ? this.labelNames(grouping) : [],
    };
  }

  private selector(node: SyntaxNode, parts: SyntaxNode[]): VectorSelector {
    const matchers: Matcher[] = [];
    for (const part of parts) {
      if (part.name === 'Identifier') matchers.push(makeMatcher(METRIC_NAME, '=', this.text(part)));
      else for (const matcher of children(part)) matchers.push(this.matcher(matcher));
    }
    if (
      matchers.filter((matcher) => matcher.label === METRIC_NAME && matcher.op === '=').length > 1 &&
      parts[0]?.name === 'Identifier'
    ) {
      throw new ParseError(
        this.query,
        node.from,
        `metric name must not be set twice: ${JSON.stringify(this.text(parts[0]))} or ${JSON.stringify(matchers.at(-1)?.value)}`,
      );
    }
    if (matchers.every((matcher) => matcher.matches(''))) {
      throw new ParseError(this.query, node.from, 'vector selector must contain at least one non-empty matcher');
    }
    return { kind: 'selector', matchers, offsetMs: 0, text: this.text(node) };
  }

  private matcher(node: SyntaxNode): Matcher {
    const [label, op, value] = children(node);
    if (node.name !== 'UnquotedLabelMatcher' || !label || !op || !value) {
      throw new ParseError(this.query, node.from, 'unexpected string in label matching, expected identifier or "}"');
    }
    const pattern = this.string(value);
    try {
      return makeMatcher(this.text(label), this.text(op) as MatchOperator, pattern);
    } catch (error) {
      throw new ParseError(
        this.query,
        node.from,
        `error parsing regexp: ${error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : error}`,
      );
    }
  }
}
