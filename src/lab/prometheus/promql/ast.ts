import type { Matcher } from '../matchers.js';

export type ValueType = 'vector' | 'scalar' | 'matrix' | 'string';

/** Where a selector or subquery looks: shifted by `offsetMs`, or fixed at a time. */
export interface TimeShift {
  /** ms, may be negative; 0 without `offset`. */
  offsetMs: number;
  /** `@`: ms since the epoch, or the query's own start or end. */
  at?: number | 'start' | 'end';
}

export interface VectorSelector extends TimeShift {
  readonly kind: 'selector';
  readonly matchers: readonly Matcher[];
  readonly text: string;
}

interface MatrixSelector {
  readonly kind: 'matrix';
  readonly selector: VectorSelector;
  readonly rangeMs: number;
}

export interface Subquery extends TimeShift {
  readonly kind: 'subquery';
  readonly inner: Expr;
  readonly rangeMs: number;
  /** undefined: the server's evaluation interval. */
  readonly stepMs: number | undefined;
}

export interface Matching {
  /** Labels of `on` or `ignoring`. */
  readonly labels: readonly string[];
  readonly on: boolean;
  readonly group: 'left' | 'right' | undefined;
  /** Labels that group_left or group_right copies from the one side. */
  readonly include: readonly string[];
}

export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'
  | 'atan2'
  | '=='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | 'and'
  | 'or'
  | 'unless';

export type Aggregation =
  | 'sum'
  | 'min'
  | 'max'
  | 'count'
  | 'avg'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'quantile'
  | 'count_values';

export type Expr =
  | VectorSelector
  | MatrixSelector
  | Subquery
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'negate'; readonly inner: Expr }
  | { readonly kind: 'paren'; readonly inner: Expr }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expr[] }
  | {
      readonly kind: 'aggregate';
      readonly op: Aggregation;
      readonly param: Expr | undefined;
      readonly inner: Expr;
      readonly without: boolean;
      readonly labels: readonly string[];
    }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOperator;
      readonly left: Expr;
      readonly right: Expr;
      readonly bool: boolean;
      readonly matching: Matching;
    };

/** A query the server refuses before evaluating it (`bad_data`): `line:column: parse error: what`. */
export class ParseError extends Error {
  constructor(query: string, at: number, what: string) {
    const before = query.slice(0, at).split('\n');
    super(`${before.length}:${(before.at(-1)?.length ?? 0) + 1}: parse error: ${what}`);
  }
}
