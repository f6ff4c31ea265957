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

/** Refuses what cannot be evaluated, with Prometheus' words. */
export function checkExpr(query: string, expr: Expr): void {
  const fail = (what: string): never => {
    throw new ParseError(query, 0, what);
  };
  const expect = (inner: Expr, type: ValueType, where: string) => {
    checkExpr(query, inner);
    const found = typeOf(inner);
    if (found !== type) fail(`expected type ${typeName(type)} in ${where}, got ${typeName(found)}`);
  };
  switch (expr.kind) {
    case 'number':
    case 'string':
    case 'selector':
    case 'matrix':
      return;
    case 'paren':
      checkExpr(query, expr.inner);
      return;
    case 'subquery':
      checkExpr(query, expr.inner);
      if (typeOf(expr.inner) !== 'vector')
        fail(`subquery is only allowed on instant vector, got ${typeName(typeOf(expr.inner))} instead`);
      return;
    case 'negate': {
      checkExpr(query, expr.inner);
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
      checkCall(query, expr, fail, expect);
      return;
    case 'binary':
      checkBinary(query, expr, fail);
      return;
  }
}

function checkCall(
  query: string,
  expr: Extract<Expr, { kind: 'call' }>,
  fail: (what: string) => never,
  expect: (inner: Expr, type: ValueType, where: string) => void,
): void {
  const signature = Object.hasOwn(FUNCTIONS, expr.name) ? FUNCTIONS[expr.name] : undefined;
  if (!signature)
    throw new ParseError(
      query,
      Math.max(0, query.indexOf(expr.name)),
      `unknown function with name ${JSON.stringify(expr.name)}`,
    );
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

function checkBinary(query: string, expr: Extract<Expr, { kind: 'binary' }>, fail: (what: string) => never): void {
  checkExpr(query, expr.left);
  checkExpr(query, expr.right);
  const sides = [typeOf(expr.left), typeOf(expr.right)];
  const { op, bool, matching } = expr;
  if (sides.some((type) => type !== 'scalar' && type !== 'vector'))
    fail('binary expression must contain only scalar and instant vector types');
  if (bool && !COMPARISONS.has(op)) fail('bool modifier can only be used on comparison operators');
  if (COMPARISONS.has(op) && !bool && sides.every((type) => type === 'scalar'))
    fail('comparisons between scalars must use BOOL modifier');
  if (matching.group && SET_OPERATORS.has(op)) fail(`no grouping allowed for ${JSON.stringify(op)} operation`);
  if (SET_OPERATORS.has(op) && sides.some((type) => type === 'scalar'))
    fail(`set operator ${JSON.stringify(op)} not allowed in binary scalar expression`);
  if (matching.on && matching.group) {
    const both = matching.labels.find((label) => matching.include.includes(label));
    if (both !== undefined) fail(`label ${JSON.stringify(both)} must not occur in ON and GROUP clause at once`);
  }
  if ((matching.labels.length > 0 || matching.on) && sides.some((type) => type === 'scalar'))
    fail('vector matching only allowed between instant vectors');
}
