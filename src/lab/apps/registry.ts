import type { AppEnvironment, AppHandler } from './app.js';
import { genericApp, withCalls } from './generic.js';
import { customerApi, vehicleApi, workshopApi } from './pitstop/apis.js';
import { PitstopData } from './pitstop/data.js';
import { webApp } from './pitstop/webapp.js';
import { callsOfImage } from './samples.js';

/** What an image's process does with connections. */
export type AppKind = 'http' | 'bytes';

type Factory = (env: AppEnvironment, data: PitstopData) => AppHandler;

const PITSTOP: Readonly<Record<string, Factory>> = {
  webapp: (env) => webApp(env),
  customermanagementapi: customerApi,
  vehiclemanagementapi: vehicleApi,
  workshopmanagementapi: workshopApi,
};

/** Images of storage and messaging: they take connections and answer bytes, not requests. */
const BYTES = /(^|\/)(mssql\/server|sqlserver|rabbitmq|redis|postgres|mysql|mariadb|mongo|kafka)([:@].*)?$/;

/** `pitstop/webapp:1.0` -> `webapp`; undefined for images of others. */
function pitstopName(image: string): string | undefined {
  const name = /(?:^|\/)pitstop[/-]([a-z]+)(?:[:@].*)?$/.exec(image)?.[1];
  return name !== undefined && Object.hasOwn(PITSTOP, name) ? name : undefined;
}

export const appKind = (image: string): AppKind => (BYTES.test(image) ? 'bytes' : 'http');

/** The applications of one lab; Pitstop's share one data store per namespace, whatever their version. */
export class AppRegistry {
  private readonly data = new Map<string, PitstopData>();

  /** @param calls made for each request, before a built-in application answers. */
  handler(env: AppEnvironment, calls: readonly string[]): AppHandler {
    const name = pitstopName(env.image);
    const factory = name === undefined ? undefined : PITSTOP[name];
    if (!factory) return genericApp(env, calls.length > 0 ? calls : callsOfImage(env.image));
    let data = this.data.get(env.namespace);
    if (!data) {
      data = new PitstopData();
      this.data.set(env.namespace, data);
    }
    return withCalls(env, calls, factory(env, data));
  }
}

/** The database that an application of this image keeps a connection to; undefined: none. */
export function databaseOf(image: string): { readonly host: string; readonly port: number } | undefined {
  const name = pitstopName(image);
  return name !== undefined && name !== 'webapp' ? { host: 'sqlserver', port: 1433 } : undefined;
}
