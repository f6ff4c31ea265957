import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { METRIC_NAME } from '../labels.js';
import { type Matcher, type MatchOperator, makeMatcher } from '../matchers.js';
import {
  type Aggregation,
  type BinaryOperator,
  type Expr,
  type Matching,
  ParseError,
  type Subquery,
  type VectorSelector,
} from './ast.js';
import { checkExpr } from './check.js';
import { children, NodeReader, syntaxError } from './nodes.js';

/** Bound on the length of a query, so that a hostile one costs no more than reading it. */
const MAX_QUERY_LENGTH = 1 << 20;
const MAX_DEPTH = 200;

/**
 * Reads a query with Prometheus' own grammar (@prometheus-io/lezer-promql, of a newer release) into our tree, refusing what
 * Prometheus 2.42 does not know, and checks the types.
 * @throws ParseError with Prometheus' place and wording where that is known.
 */
export function parseQuery(query: string): Expr {
  if (query.length > MAX_QUERY_LENGTH)
    throw new ParseError(query, 0, `query longer than ${MAX_QUERY_LENGTH} characters`);
  if (query.replace(/#.*/g, '').trim() === '') throw new ParseError(query, 0, 'no expression found in input');
  const tree = parser.parse(query);
  tree.iterate({
    enter(node) {
      if (node.type.isError) throw new ParseError(query, node.from, syntaxError(query, node.from));
    },
  });
  const root = tree.topNode.firstChild;
  if (!root) throw new ParseError(query, 0, 'no expression found in input');
  const expr = new Reader(query).expr(significant(root), 0);
  checkExpr(query, expr);
  return expr;
}

function significant(node: SyntaxNode): SyntaxNode {
  let at: SyntaxNode | null = node;
  while (at?.name === 'LineComment') at = at.nextSibling;
  return at ?? node;
}

class Reader extends NodeReader {
  expr(node: SyntaxNode, depth: number): Expr {
    if (depth > MAX_DEPTH) throw new ParseError(this.query, node.from, 'expression nested too deeply');
    const inner = (of: SyntaxNode | null | undefined): Expr => this.expr(this.need(of, node), depth + 1);
    const parts = children(node);
    switch (node.name) {
      case 'NumberDurationLiteral':
        return { kind: 'number', value: this.number(node) };
      case 'StringLiteral':
        return { kind: 'string', value: this.string(node) };
      case 'ParenExpr':
        return { kind: 'paren', inner: inner(parts[0]) };
      case 'UnaryExpr': {
        const operand = inner(parts[1]);
        if (this.text(this.need(parts[0], node)) === '+') return operand;
        return operand.kind === 'number'
          ? { kind: 'number', value: -operand.value }
          : { kind: 'negate', inner: operand };
      }
      case 'VectorSelector':
        return this.selector(node, parts);
      case 'MatrixSelector': {
        const selector = inner(parts[0]);
        if (selector.kind !== 'selector')
          throw new ParseError(this.query, node.from, 'ranges only allowed for vector selectors');
        if (selector.offsetMs !== 0)
          throw new ParseError(this.query, node.from, 'no offset modifiers allowed before range');
        if (selector.at !== undefined)
          throw new ParseError(this.query, node.from, 'no @ modifiers allowed before range');
        return { kind: 'matrix', selector, rangeMs: this.duration(this.need(parts[1], node)) };
      }
      case 'SubqueryExpr':
        return {
          kind: 'subquery',
          inner: inner(parts[0]),
          rangeMs: this.duration(this.need(parts[1], node)),
          stepMs: parts[2] ? this.duration(parts[2]) : undefined,
          offsetMs: 0,
        };
      case 'OffsetExpr': {
        const shifted = inner(parts[0]);
        const target = this.shiftable(node, shifted, 'offset');
        if (target.offsetMs !== 0) throw new ParseError(this.query, node.from, 'offset may not be set multiple times');
        target.offsetMs = this.offset(this.need(parts[2], node));
        return shifted;
      }
      case 'StepInvariantExpr': {
        const shifted = inner(parts[0]);
        const target = this.shiftable(node, shifted, '@');
        if (target.at !== undefined)
          throw new ParseError(this.query, node.from, '@ <timestamp> may not be set multiple times');
        target.at = this.atTime(this.need(parts[2], node));
        return shifted;
      }
      case 'FunctionCall': {
        const [identifier, body] = parts;
        const args = children(this.need(body, node)).map((arg) => inner(arg));
        return { kind: 'call', name: this.text(this.need(identifier, node)), args };
      }
      case 'AggregateExpr':
        return this.aggregate(node, parts, inner);
      case 'BinaryExpr':
        return this.binary(node, parts, inner);
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

  private binary(node: SyntaxNode, parts: SyntaxNode[], inner: (of: SyntaxNode | undefined) => Expr): Expr {
    const clause = parts.find((part) => part.name === 'MatchingModifierClause');
    const fill = parts.find((part) => part.name === 'FillModifier');
    if (fill) throw new ParseError(this.query, fill.from, 'unexpected identifier "fill"');
    return {
      kind: 'binary',
      op: this.text(this.need(parts[1], node)).toLowerCase() as BinaryOperator,
      left: inner(parts[0]),
      right: inner(parts.at(-1)),
      bool: parts.some((part) => part.name === 'BoolModifier'),
      matching: clause ? this.matching(clause) : { labels: [], on: false, group: undefined, include: [] },
    };
  }

  private matching(clause: SyntaxNode): Matching {
    const parts = children(clause);
    const lists = parts.filter((part) => part.name === 'GroupingLabels').map((part) => this.labelNames(part));
    const side = parts.find((part) => part.name === 'GroupLeft' || part.name === 'GroupRight');
    return {
      labels: lists[0] ?? [],
      on: parts[0]?.name === 'On',
      group: side ? (side.name === 'GroupLeft' ? 'left' : 'right') : undefined,
      include: lists[1] ?? [],
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

  /** The selector or subquery that `offset` or `@` behind an expression belongs to. */
  private shiftable(node: SyntaxNode, expr: Expr, word: string): VectorSelector | Subquery {
    if (expr.kind === 'selector' || expr.kind === 'subquery') return expr;
    if (expr.kind === 'matrix') return expr.selector;
    throw new ParseError(
      this.query,
      node.from,
      `${word} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
    );
  }
}
