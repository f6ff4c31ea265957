import { dropMetricName } from '../labels.js';
import { absentLabels } from './absent.js';
import type { Expr } from './ast.js';
import type { Evaluator, Sample, Value } from './context.js';
import { histogramQuantile } from './histogram.js';
import { calendarPart, PER_SAMPLE } from './persample.js';
import { rangeFunction } from './rangecall.js';
import { labelJoin, labelReplace } from './relabel.js';
import { unique } from './unique.js';

type Call = Extract<Expr, { kind: 'call' }>;
/** Applies one of FUNCTIONS; types and numbers of the arguments have been checked. */
export function callFunction(call: Call, timeMs: number, evaluator: Evaluator): Value {
  const vector = (index: number) => evaluator.value(call.args[index] as Expr) as Sample[];
  const scalar = (index: number) => evaluator.value(call.args[index] as Expr) as number;
  const text = (index: number) => evaluator.value(call.args[index] as Expr) as string;
  const mapped = (of: readonly Sample[], change: (value: number) => number) =>
    unique(of.map(({ labels, value }) => ({ labels: dropMetricName(labels), value: change(value) })));

  const perSample = Object.hasOwn(PER_SAMPLE, call.name) ? PER_SAMPLE[call.name] : undefined;
  if (perSample) return mapped(vector(0), perSample);
  const range = rangeFunction(call, timeMs, evaluator);
  if (range) return unique(range);
  switch (call.name) {
    case 'time':
      return timeMs / 1000;
    case 'pi':
      return Math.PI;
    case 'vector':
      return [{ labels: new Map(), value: scalar(0) }];
    case 'scalar': {
      const [only, ...more] = vector(0);
      return only && more.length === 0 ? only.value : Number.NaN;
    }
    case 'timestamp': {
      const seconds = vector(0).map(({ labels, timeMs: sampled }) => ({
        labels: dropMetricName(labels),
        value: (sampled ?? timeMs) / 1000,
      }));
      return unique(seconds);
    }
    case 'round': {
      const inverse = 1 / (call.args.length > 1 ? scalar(1) : 1);
      return mapped(vector(0), (value) => Math.floor(value * inverse + 0.5) / inverse);
    }
    case 'clamp': {
      const [low, high] = [scalar(1), scalar(2)];
      if (high < low) return [];
      return mapped(vector(0), (value) => Math.max(low, Math.min(high, value)));
    }
    case 'clamp_min': {
      const low = scalar(1);
      return mapped(vector(0), (value) => Math.max(low, value));
    }
    case 'clamp_max': {
      const high = scalar(1);
      return mapped(vector(0), (value) => Math.min(high, value));
    }
    case 'histogram_quantile':
      return unique(histogramQuantile(scalar(0), vector(1)));
    case 'label_replace':
      return unique(labelReplace(vector(0), { target: text(1), template: text(2), source: text(3), pattern: text(4) }));
    case 'label_join':
      return unique(
        labelJoin(
          vector(0),
          text(1),
          text(2),
          call.args.slice(3).map((_, index) => text(index + 3)),
        ),
      );
    case 'absent':
      return vector(0).length > 0 ? [] : [{ labels: absentLabels(call.args[0]), value: 1 }];
    case 'sort':
      return sorted(vector(0), 1);
    case 'sort_desc':
      return sorted(vector(0), -1);
    default: {
      const given = call.args.length > 0 ? vector(0) : [{ labels: new Map<string, string>(), value: timeMs / 1000 }];
      return mapped(given, (value) => calendarPart(call.name, value));
    }
  }
}

/** NaN last, whichever the direction. */
function sorted(vector: readonly Sample[], direction: number): Sample[] {
  return [...vector].sort((a, b) => {
    if (Number.isNaN(a.value) || Number.isNaN(b.value))
      return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
    return (a.value < b.value ? -1 : a.value > b.value ? 1 : 0) * direction;
  });
}
