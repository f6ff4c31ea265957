import { type Expr, ParseError, type ValueType } from './ast.js';
import { FUNCTIONS } from './functions.js';

const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  vector: 'instant vector',
  matrix: 'range vector',
  scalar: 'scalar',
  string: 'string',
};
const SET_OPERATORS = new Set(['and', 'or', 'unless']);
const COMPARISONS = new Set(['==', '!=', '<', '>', '<=', '>=']);

/** Where an expression begins in the query and, of binary ones, where the operator stands. */
export type Places = Map<Expr, { readonly from: number; readonly operator?: number }>;

export const typeName = (type: ValueType): string => TYPE_NAMES[type];

export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'matrix':
    case 'subquery':
      return 'matrix';
    case 'selector':
    case 'aggregate':
      return 'vector';
    case 'negate':
    case 'paren':
      return typeOf(expr.inner);
    case 'call':
      return FUNCTIONS[expr.name]?.returns ?? 'vector';
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
  }
}

/** Refuses what cannot be evaluated, with Prometheus' words. @param places where an expression stands in the query. */
export function checkExpr(query: string, expr: Expr, places: Places): void {
  const fail = (what: string, at: Expr | 'operator' = expr): never => {
    const place = places.get(at === 'operator' ? expr : at);
    throw new ParseError(query, (at === 'operator' ? place?.operator : place?.from) ?? 0, what);
  };
  const expect = (inner: Expr, type: ValueType, where: string) => {
    checkExpr(query, inner, places);
    const found = typeOf(inner);
    if (found !== type) fail(`expected type ${typeName(type)} in ${where}, got ${typeName(found)}`, inner);
  };
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'selector':
    case 'matrix':
      return;
    case 'paren':
      checkExpr(query, expr.inner, places);
      return;
    case 'subquery':
      checkExpr(query, expr.inner, places);
      if (typeOf(expr.inner) !== 'vector')
        fail(`subquery is only allowed on instant vector, got ${typeName(typeOf(expr.inner))} instead`);
      return;
    case 'negate': {
      checkExpr(query, expr.inner, places);
      const type = typeOf(expr.inner);
      if (type !== 'vector' && type !== 'scalar')
        fail(
          `unary expression only allowed on expressions of type scalar or instant vector, got ${JSON.stringify(typeName(type))}`,
        );
      return;
    }
    case 'aggregate':
      expect(expr.inner, 'vector', 'aggregation expression');
      if (expr.param) expect(expr.param, expr.op === 'count_values' ? 'string' : 'scalar', 'aggregation parameter');
      return;
    case 'call':
      checkCall(expr, fail, expect);
      return;
    case 'binary':
      checkExpr(query, expr.left, places);
      checkExpr(query, expr.right, places);
      checkBinary(expr, fail);
      return;
  }
}

type Fail = (what: string, at?: Expr | 'operator') => never;

function checkCall(
  expr: Extract<Expr, { kind: 'call' }>,
  fail: Fail,
  expect: (inner: Expr, type: ValueType, where: string) => void,
): void {
  const signature =
    (Object.hasOwn(FUNCTIONS, expr.name) ? FUNCTIONS[expr.name] : undefined) ??
    fail(`unknown function with name ${JSON.stringify(expr.name)}`);
  const most = signature.args.length;
  const given = expr.args.length;
  const name = JSON.stringify(expr.name);
  if (signature.optional === undefined) {
    if (given !== most) fail(`expected ${most} argument(s) in call to ${name}, got ${given}`);
  } else {
    const least = most - (signature.optional === 'many' ? 1 : signature.optional);
    if (given < least) fail(`expected at least ${least} argument(s) in call to ${name}, got ${given}`);
    if (signature.optional !== 'many' && given > most)
      fail(`expected at most ${most} argument(s) in call to ${name}, got ${given}`);
  }
  for (const [index, arg] of expr.args.entries()) {
    expect(arg, signature.args[Math.min(index, most - 1)] ?? 'vector', `call to function ${name}`);
  }
}

function checkBinary(expr: Extract<Expr, { kind: 'binary' }>, fail: Fail): void {
  const sides = [expr.left, expr.right].map(typeOf);
  const { op, bool, matching } = expr;
  const scalars = sides.filter((type) => type === 'scalar').length;
  for (const side of [expr.left, expr.right]) {
    if (!['scalar', 'vector'].includes(typeOf(side)))
      fail('binary expression must contain only scalar and instant vector types', side);
  }
  if (bool && !COMPARISONS.has(op)) fail('bool modifier can only be used on comparison operators', 'operator');
  if (COMPARISONS.has(op) && !bool && scalars === 2)
    fail('comparisons between scalars must use BOOL modifier', 'operator');
  if (matching.group && SET_OPERATORS.has(op)) fail(`no grouping allowed for ${JSON.stringify(op)} operation`);
  if (SET_OPERATORS.has(op) && scalars > 0)
    fail(`set operator ${JSON.stringify(op)} not allowed in binary scalar expression`);
  if (matching.on && matching.group) {
    const both = matching.labels.find((label) => matching.include.includes(label));
    if (both !== undefined)
      fail(`label ${JSON.stringify(both)} must not occur in ON and GROUP clause at once`, 'operator');
  }
  if (matching.labels.length > 0 && scalars > 0) fail('vector matching only allowed between instant vectors');
}
