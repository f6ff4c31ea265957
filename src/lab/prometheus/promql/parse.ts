import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import {
  type BinaryOperator,
  type Expr,
  type Matching,
  ParseError,
  type Subquery,
  type VectorSelector,
} from './ast.js';
import { checkExpr, type Places } from './check.js';
import { children, syntaxError } from './nodes.js';
import { OperandReader } from './operands.js';

/** Bound on the length of a query, so that a hostile one costs no more than reading it. */
const MAX_QUERY_LENGTH = 1 << 20;
const MAX_DEPTH = 200;
const MAX_CHAIN = 1_000;

/**
 * Reads a query with Prometheus' own grammar (@prometheus-io/lezer-promql, of a newer release) into our tree, refusing what
 * Prometheus 2.42 does not know, and checks the types.
 * @throws ParseError with Prometheus' place and wording where that is known.
 */
export function parseQuery(query: string): Expr {
  if (query.length > MAX_QUERY_LENGTH)
    throw new ParseError(query, 0, `query longer than ${MAX_QUERY_LENGTH} characters`);
  if (query.replace(/#.*/g, '').trim() === '') throw new ParseError(query, 0, 'no expression found in input');
  const tree = parser.parse(withoutBareDots(query));
  tree.iterate({
    enter(node) {
      if (node.type.isError) throw syntaxError(query, node.from);
      // The grammar package lets a word follow a number without a space.
      if (node.name.startsWith('NumberDurationLiteral') && /\w/.test(query[node.to] ?? ''))
        throw new ParseError(
          query,
          node.from,
          `bad number or duration syntax: ${JSON.stringify(query.slice(node.from, node.to + 1))}`,
        );
    },
  });
  const root = tree.topNode.firstChild;
  if (!root) throw new ParseError(query, 0, 'no expression found in input');
  const reader = new Reader(query);
  const expr = reader.expr(significant(root), 0);
  checkExpr(query, expr, reader.places);
  return expr;
}

/** `5.` as `5 `: the grammar package wants digits after the dot. Strings and comments stay as they are. */
function withoutBareDots(query: string): string {
  const tokens = /"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'|`[^`]*`|#.*|(?<![\w:.])\d+\.(?![\w.])/g;
  return query.replace(tokens, (token) => (/^\d/.test(token) ? `${token.slice(0, -1)} ` : token));
}

function significant(node: SyntaxNode): SyntaxNode {
  let at: SyntaxNode | null = node;
  while (at?.name === 'LineComment') at = at.nextSibling;
  return at ?? node;
}

interface Operator {
  readonly op: BinaryOperator;
  readonly bool: boolean;
  readonly matching: Matching;
  readonly from: number;
}

/** What stands in a row between two parentheses: signs, operands and operators, in the order of the text. */
type Item = { readonly sign: '+' | '-'; readonly from: number } | { readonly operand: Expr } | Operator;

const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '>': 3,
  '<=': 3,
  '>=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': 6,
};

/**
 * The grammar package lets `offset`, `@` and brackets apply to everything on their left (`a - b offset 5m` shifts the difference)
 * and takes a sign into the number (`-2 ^ 2`). Prometheus' own parser binds them to the last operand and the sign less than the
 * power, so the operators are put in order anew here.
 */
class Reader extends OperandReader {
  readonly places: Places = new Map();

  expr(node: SyntaxNode, depth: number): Expr {
    if (depth > MAX_DEPTH) throw new ParseError(this.query, node.from, 'expression nested too deeply');
    const items = this.flatten(node, depth);
    const expr = this.climb(items, { at: 0 }, 0);
    return expr;
  }

  private flatten(node: SyntaxNode, depth: number): Item[] {
    // Chains lean to the left and can be long: the left spine is walked, only right sides recurse.
    const spine: SyntaxNode[] = [];
    let leftmost = node;
    while (
      ['BinaryExpr', 'OffsetExpr', 'StepInvariantExpr', 'MatrixSelector', 'SubqueryExpr'].includes(leftmost.name)
    ) {
      spine.push(leftmost);
      leftmost = this.need(children(leftmost)[0], leftmost);
    }
    if (spine.length > MAX_CHAIN) throw new ParseError(this.query, node.from, 'too many operators in one expression');
    const items = this.signed(leftmost, depth);
    for (const outer of spine.reverse()) {
      const parts = children(outer);
      if (outer.name === 'BinaryExpr') {
        items.push(this.operator(outer, parts), ...this.flatten(this.need(parts.at(-1), outer), depth + 1));
      } else {
        const last = items.at(-1);
        if (!last || !('operand' in last)) throw syntaxError(this.query, outer.to);
        items[items.length - 1] = {
          operand: this.placed(
            this.postfix(outer, parts, last.operand),
            this.places.get(last.operand)?.from ?? outer.from,
          ),
        };
      }
    }
    return items;
  }

  /** An operand with the signs before it, those inside a number literal included. */
  private signed(node: SyntaxNode, depth: number): Item[] {
    const parts = children(node);
    if (node.name === 'UnaryExpr') {
      const sign = this.text(this.need(parts[0], node)) === '-' ? '-' : '+';
      return [{ sign, from: node.from }, ...this.flatten(this.need(parts[1], node), depth + 1)];
    }
    const operand = this.placed(this.operand(node, depth), node.from);
    if (operand.kind !== 'number' || !/^[+-]/.test(this.text(node))) return [{ operand }];
    const negative = this.text(node).startsWith('-');
    const bare = this.placed({ kind: 'number', value: negative ? -operand.value : operand.value }, node.from);
    return [{ sign: negative ? '-' : '+', from: node.from }, { operand: bare }];
  }

  private climb(items: readonly Item[], position: { at: number }, least: number): Expr {
    let left = this.prefixed(items, position);
    for (;;) {
      const item = items[position.at];
      if (!item || !('op' in item) || PRECEDENCE[item.op] < least) return left;
      position.at += 1;
      const right = this.climb(items, position, PRECEDENCE[item.op] + (item.op === '^' ? 0 : 1));
      const { from, ...operator } = item;
      const begin = this.places.get(left)?.from ?? from;
      left = { kind: 'binary', ...operator, left, right };
      this.places.set(left, { from: begin, operator: from });
    }
  }

  private prefixed(items: readonly Item[], position: { at: number }): Expr {
    const item = items[position.at];
    position.at += 1;
    if (item && 'operand' in item) return item.operand;
    if (!item || !('sign' in item)) throw syntaxError(this.query, this.query.length);
    const inner = this.climb(items, position, PRECEDENCE['^']);
    if (item.sign === '+') return inner;
    return this.placed(
      inner.kind === 'number' ? { kind: 'number', value: -inner.value } : { kind: 'negate', inner },
      item.from,
    );
  }

  private placed(expr: Expr, from: number): Expr {
    this.places.set(expr, { from });
    return expr;
  }

  private operator(node: SyntaxNode, parts: readonly SyntaxNode[]): Operator {
    const clause = parts.find((part) => part.name === 'MatchingModifierClause');
    const fill = parts.find((part) => part.name === 'FillModifier');
    if (fill) throw new ParseError(this.query, fill.from, 'unexpected identifier "fill"');
    const operator = this.need(parts[1], node);
    return {
      op: this.text(operator).toLowerCase() as BinaryOperator,
      bool: parts.some((part) => part.name === 'BoolModifier'),
      matching: clause ? this.matching(clause) : { labels: [], on: false, group: undefined, include: [] },
      from: operator.from,
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

  /** What brackets, `offset` or `@` make of the operand before them. */
  private postfix(node: SyntaxNode, parts: readonly SyntaxNode[], operand: Expr): Expr {
    const end = this.need(parts[0], node).to;
    switch (node.name) {
      case 'MatrixSelector': {
        if (operand.kind !== 'selector')
          throw new ParseError(this.query, end, 'ranges only allowed for vector selectors');
        if (operand.offsetMs !== 0) throw new ParseError(this.query, end, 'no offset modifiers allowed before range');
        if (operand.at !== undefined) throw new ParseError(this.query, end, 'no @ modifiers allowed before range');
        return { kind: 'matrix', selector: operand, rangeMs: this.duration(this.need(parts[1], node)) };
      }
      case 'SubqueryExpr': {
        const rangeMs = this.duration(this.need(parts[1], node));
        return {
          kind: 'subquery',
          inner: operand,
          rangeMs,
          stepMs: parts[2] ? this.duration(parts[2]) : undefined,
          offsetMs: 0,
        };
      }
      case 'OffsetExpr': {
        const target = this.shiftable(node, operand, 'offset');
        if (target.offsetMs !== 0) throw new ParseError(this.query, node.from, 'offset may not be set multiple times');
        target.offsetMs = this.offset(this.need(parts[2], node));
        return operand;
      }
      default: {
        const target = this.shiftable(node, operand, '@');
        if (target.at !== undefined)
          throw new ParseError(this.query, node.from, '@ <timestamp> may not be set multiple times');
        target.at = this.atTime(this.need(parts[2], node));
        return operand;
      }
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
