import * as z from 'zod';
import { ScenarioFile } from './schema.js';

/** The JSON Schema (draft 7, which editors complete) of a scenario file; published as schema/scenario.schema.json. */
export function scenarioJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(ScenarioFile, { io: 'input', target: 'draft-7', reused: 'ref' });
  return { $schema, title: 'weighbridge scenario', ...schema };
}
