import type { Decision } from './decisions.js';
import type { Sent } from './receivers.js';
import type { MeshWarning } from './types.js';

/** That a request is denied, or may be; undefined: it is allowed. */
export function denialWarning(decision: Decision, { unit, method, path }: Sent): MeshWarning | undefined {
  if (decision.kind === 'allowed') return undefined;
  const { place, why } = decision;
  const what = unit === 'request' ? `${method} ${path}` : 'The connection';
  const end =
    unit === 'request' ? 'answered 403 by the proxy of the destination' : 'closed by the proxy of the destination';
  if (decision.kind === 'denied') {
    const message = `${what} is ${end}: ${why}. The caller's proxies count it too. Allow it there, or send what is allowed.`;
    return { code: 'AUTHORIZATION_DENIES', object: place.object, field: place.field, message };
  }
  const message = `${what} may be ${end}: ${why}. It is taken for allowed here.`;
  return { code: 'AUTHORIZATION_MAY_DENY', object: place.object, field: place.field, message };
}
