import type { AppliedRule } from './destinationRules.js';
import type { Inventory } from './inventory.js';
import type { Scope } from './scope.js';
import type { Caller, ProxyConfig } from './types.js';
import type { HostOwners } from './virtualServices.js';

/** What every family of warnings looks at. */
export interface WarningInput {
  readonly inventory: Inventory;
  readonly scope: Scope;
  readonly owners: HostOwners;
  readonly rules: ReadonlyMap<string, AppliedRule>;
  readonly config: Pick<ProxyConfig, 'ports' | 'clusters' | 'hidden'>;
  readonly caller: Caller;
}
