import { readdirSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { KINDS } from './definitions.ts';
import { API_VERSION } from './names.ts';

const object = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  spec: z.record(z.string(), z.unknown()),
});

const folder = new URL('../examples/', import.meta.url);
const files = readdirSync(folder).sort();
const objects = files.flatMap((file) =>
  parseAllDocuments(readFileSync(new URL(file, folder), 'utf8')).map((document) => ({
    file,
    example: object.parse(document.toJS()),
  })),
);

describe('the examples', () => {
  test.each(objects)('$file is valid and names no field that does not exist', ({ example }) => {
    const kind = KINDS.find(({ resource }) => resource.kind === example.kind);
    // Parsing drops what the schema does not know; what is written must all be there again.
    expect(kind?.spec.parse(example.spec)).toMatchObject(example.spec);
  });

  it('come in an order in which each finds what it refers to', () => {
    expect(objects.map(({ example }) => example.kind)).toEqual([
      'SandboxTemplate',
      'Sandbox',
      'Execution',
    ]);
    const [template, sandbox, execution] = objects.map(({ example }) => example);
    expect(sandbox?.spec['templateRef']).toEqual({ name: template?.metadata.name });
    expect(execution?.spec['sandboxRef']).toEqual({ name: sandbox?.metadata.name });
  });
});
