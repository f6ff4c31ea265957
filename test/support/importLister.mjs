import { appendFileSync } from 'node:fs';

/** A hook of Node's module loader that notes, in the file LISTED_IMPORTS, whatever a process loads. */
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  appendFileSync(process.env.LISTED_IMPORTS, `${found.url}\n`);
  return found;
}
