import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Schema } from '../../../src/lab/api/schema.js';
import { SCHEMAS } from '../../../src/lab/api/schemas/all.js';
import { definitionsOf } from '../../support/kubeApiserver.js';
import { findPeer, peerPath } from '../../support/peers.js';

interface OpenApi {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, OpenApi>>;
  readonly additionalProperties?: OpenApi;
  readonly items?: OpenApi;
  readonly 'x-kubernetes-int-or-string'?: boolean;
}
interface Definition {
  readonly group: string;
  readonly names: { readonly plural: string };
  readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: OpenApi } }[];
}

const SCALARS: Readonly<Record<string, Schema>> = { string: 'str', integer: 'int', number: 'num', boolean: 'bool' };

/** Where ours would refuse, or call unknown, what theirs takes. */
function narrower(ours: Schema | undefined, theirs: OpenApi, path: string): string[] {
  if (ours === 'any') return [];
  if (ours === undefined) return [`${path} is unknown`];
  if (theirs['x-kubernetes-int-or-string']) return ours === 'int|str' ? [] : [`${path} is an integer or a string`];
  if (theirs.items) {
    return Array.isArray(ours) ? narrower(ours[0], theirs.items, `${path}[]`) : [`${path} is an array`];
  }
  const fields = typeof ours === 'object' && !Array.isArray(ours) ? new Map(Object.entries(ours)) : undefined;
  if (theirs.properties ?? theirs.additionalProperties) {
    if (!fields) return [`${path} is an object`];
    const { properties = {}, additionalProperties } = theirs;
    return [
      ...Object.entries(properties).flatMap(([key, each]) =>
        narrower(fields.get(key) ?? fields.get('*'), each, `${path}.${key}`),
      ),
      ...(additionalProperties ? narrower(fields.get('*'), additionalProperties, `${path}.*`) : []),
    ];
  }
  return SCALARS[theirs.type ?? ''] === ours ? [] : [`${path} is a ${theirs.type}`];
}

const folder = findPeer('crds') ? peerPath('crds') : undefined;
const definitions = (folder ? readdirSync(folder) : []).flatMap((file) =>
  definitionsOf(join(folder ?? '', file))
    .map(({ spec }) => spec as unknown as Definition)
    .flatMap(({ group, names, versions }) =>
      versions.map(({ name, schema }) => ({
        says: `${names.plural}.${group}/${name} of ${file}`,
        ours: SCHEMAS[`${names.plural}.${group}`],
        theirs: schema.openAPIV3Schema.properties?.spec ?? {},
      })),
    )
    .filter(({ ours }) => ours !== undefined),
);

describe.runIf(folder)('what Istio itself defines is known to the lab, field by field', () => {
  it('of several kinds', () => expect(definitions.length).toBeGreaterThan(5));
  it.each(definitions)('$says', ({ ours, theirs }) => {
    expect(narrower((ours as { spec: Schema }).spec, theirs, 'spec')).toEqual([]);
  });
});
