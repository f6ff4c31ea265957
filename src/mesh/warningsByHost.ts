import type { MeshWarning } from './types.js';

/** Warnings that are alike but for the hosts that they are about: one for all of them. */
export class WarningsByHost {
  private readonly found = new Map<string, { make: (hosts: string) => MeshWarning; hosts: Set<string> }>();

  add(make: (hosts: string) => MeshWarning, host: string): void {
    const { code, object, field, message } = make('');
    const key = [code, object, field, message].join('\n');
    const known = this.found.get(key);
    if (known) known.hosts.add(host);
    else this.found.set(key, { make, hosts: new Set([host]) });
  }

  warnings(): MeshWarning[] {
    return [...this.found.values()].map(({ make, hosts }) => make(hostList([...hosts])));
  }
}

/** `reviews.shop and 3 other hosts` */
function hostList(hosts: readonly string[]): string {
  const [first = '', ...rest] = hosts;
  return rest.length > 1 ? `${first} and ${rest.length} other hosts` : hosts.join(' and ');
}
