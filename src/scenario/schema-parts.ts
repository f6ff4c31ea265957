import * as z from 'zod';
import { millis, parseDuration, parsePercent, ratio } from '../base/units.js';

/** What is allowed, as messages say it: "found X; allowed is <this>". Also tells hints which notation was meant. */
export const ALLOWED = {
  percent: 'a percentage from 0% to 100%, such as 10% or 0.5%',
  duration: 'a duration with its unit, such as 100ms, 2s, 1.5m or 1h; at most 24h',
  label: 'text, as Kubernetes label values are: at most 63 letters, digits, "-", "_" and "."',
  caller: 'a workload in the namespace of the Service: lower-case letters, digits and "-", at most 63',
} as const;

/** What to do where the calls come from another namespace, which no vantage point is asked about. */
export const CALLER_ELSEWHERE =
  'judged are calls from the namespace of the Service: name a caller there, such as a gateway of its own';

const MAX_DURATION_MS = 86_400_000;

export const percent = z
  .string({ error: ALLOWED.percent })
  .regex(/^\s*(100(\.0+)?|\d{1,2}(\.\d+)?)\s*%\s*$/, { error: ALLOWED.percent })
  .transform((text) => parsePercent(text) ?? ratio(Number.NaN))
  .meta({ description: 'A percentage from 0% to 100%.' });

export const duration = z
  .union(
    [
      z
        .string()
        .regex(/^\s*\d{1,9}(\.\d{1,6})?\s*(ms|s|m|h)\s*$/)
        .transform((text) => parseDuration(text) ?? millis(Number.NaN))
        .refine((ms) => ms <= MAX_DURATION_MS),
      z.literal(0).transform(() => millis(0)),
    ],
    { error: ALLOWED.duration },
  )
  .meta({ description: 'A duration with its unit: 100ms, 2s, 1.5m, 1h; or 0. At most 24h.' });

/** Strict: unknown keys are problems, and the issue's message lists the known ones. */
export function mapping<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? keys : `a mapping with ${keys}`),
  });
}

export const choice = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `one of ${values.join(', ')}` });

export const text = (what: string) => z.string({ error: what }).min(1, { error: what }).max(4096, { error: what });

const RANGE = 'two durations, such as [100ms, 2s]';
export const range = z.tuple([duration, duration], { error: RANGE });

export const count = (what: string, max: number) => {
  const error = `${what}: an integer from 1 to ${max}`;
  return z.int({ error }).min(1, { error }).max(max, { error });
};
