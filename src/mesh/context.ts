import { objectRef } from '../base/kubernetes.js';
import { withDelegates } from './delegates.js';
import type { Lookups, Rounds } from './memo.js';
import type { Scope } from './scope.js';
import type { Alias, Service } from './services.js';
import type { MeshSettings } from './settings.js';
import type { Caller, MeshWarning } from './types.js';
import type { RuleContext } from './virtualServiceRoutes.js';
import { type HostOwners, httpRules, type RulesOf } from './virtualServices.js';

/** What the route tables of one proxy are made from. */
export interface TableContext {
  readonly caller: Caller;
  readonly settings: MeshSettings;
  readonly scope: Scope;
  readonly owners: HostOwners;
  /** Of the settings; its maps are `services`, `aliases` and `virtualServices`. */
  readonly rounds: Rounds;
  warn(warning: MeshWarning): void;
}

interface Made<T> {
  readonly value: T;
  readonly warnings: readonly MeshWarning[];
}

/** A part of the tables that is taken over from the last round where nothing that it was made from has changed, warnings included. */
export function tablePart<T>(
  { rounds, caller, settings, warn }: TableContext,
  place: { readonly port: number; readonly gateways: readonly string[] },
  kind: string,
  key: string,
  inputs: readonly unknown[],
  make: (context: RuleContext, rulesOf: RulesOf) => T,
): T {
  const made = rounds.value(kind, key, inputs, (view): Made<T> => {
    const warnings: MeshWarning[] = [];
    const collect = (warning: MeshWarning): void => {
      warnings.push(warning);
    };
    const services = view('services') as Pick<ReadonlyMap<string, Service>, 'get'>;
    const aliases = view('aliases') as Pick<ReadonlyMap<string, Alias>, 'get'>;
    const context = { ...place, caller, services, aliases, defaultRetries: settings.defaultRetries, warn: collect };
    return { value: make(context, ruleReader(view('virtualServices'), collect)), warnings };
  });
  for (const warning of made.warnings) warn(warning);
  return made.value;
}

function ruleReader(virtualServices: Lookups, warn: (warning: MeshWarning) => void): RulesOf {
  return (object) =>
    withDelegates(httpRules(object), virtualServices, ({ rule, reason }) =>
      warn({
        code: 'DELEGATE_DROPPED',
        object: objectRef(rule.object),
        field: `${rule.field}.delegate`,
        message: `The rule is dropped and the next ones apply: ${reason}.`,
      }),
    );
}
