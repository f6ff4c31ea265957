import { faultOf } from '../../mesh/policies.js';
import { percent } from '../words.js';
import { promisedFlow, seen } from './flow.js';
import type { CauseKind } from './kind.js';
import { at, type DiagnosisInput } from './objects.js';
import { fromObjects, type Place, placeAt } from './place.js';
import { liveRoutes } from './routes.js';

/** 32: a fault that somebody injects. */
export const faultLeftOver: CauseKind = {
  code: 'FAULT_LEFT_OVER',
  number: 32,
  title: 'a fault is injected by the route',
  confirm: (input) => fromObjects(faults(input)),
  predict: (candidate, input) => {
    const abort = abortOf(input);
    // A delay moves no request, so counts do not speak of it.
    if (!abort || candidate.field.endsWith('delay')) return { points: {} };
    const promise = promisedFlow(input);
    const passed = Object.entries(promise.share).map(([version, part]) => [version, part * (1 - abort.share)]);
    return seen({ ...promise, share: Object.fromEntries(passed), lost: { [`${abort.status} FI`]: abort.share } });
  },
};

function ruleInForce(input: DiagnosisInput) {
  const [route] = liveRoutes(input);
  if (route?.object.kind !== 'VirtualService') return undefined;
  const index = Number(/\[(\d+)\]/.exec(route.rule)?.[1]);
  return { route, fault: faultOf(at(route.object.spec, 'http', index, 'fault')) };
}

const abortOf = (input: DiagnosisInput) => ruleInForce(input)?.fault.abort;

function faults(input: DiagnosisInput): Place[] {
  const rule = ruleInForce(input);
  if (!rule) return [];
  const { route, fault } = rule;
  const fix = (what: string) => `Remove ${route.rule}.fault: the proxies themselves ${what}.`;
  return [
    ...(fault.abort
      ? [
          placeAt(input, route.object, `${route.rule}.fault.abort`, {
            found: `${percent(fault.abort.share)} with status ${fault.abort.status}`,
            expected: 'absent',
            fix: fix(`answer ${percent(fault.abort.share)} of the calls with ${fault.abort.status}`),
          }),
        ]
      : []),
    ...(fault.delay
      ? [
          placeAt(input, route.object, `${route.rule}.fault.delay`, {
            found: `${percent(fault.delay.share)} by ${fault.delay.duration} ms`,
            expected: 'absent',
            fix: fix(`hold ${percent(fault.delay.share)} of the calls for ${fault.delay.duration} ms`),
          }),
        ]
      : []),
  ];
}
